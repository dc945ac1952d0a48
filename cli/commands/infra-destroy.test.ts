/**
 * infra-destroy against a real AWS emulator, with a stand-in for the Pulumi CLI (test/fake-pulumi.js).
 *
 * The emulator's spot requests start nothing again when their instance is terminated: the order of cancelling and
 * terminating is therefore watched on the wire. Nor do its instances name their request: that way is tested with
 * mocked answers.
 */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  EC2Client,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { MachineRoom } from "../aws/machines.ts";
import { fakeDeps, kimtest, type Ran } from "../fake-deps.fixture.ts";
import { Checkout, GOOD, NO_STACK, OUTPUTS, type StandInAnswer } from "../infra/checkout.fixture.ts";
import { infraDestroy, type InfraDestroyOptions } from "./infra-destroy.ts";

const IMAGE = "ami-12c6146b";
const TAGS = [
  { Key: "Project", Value: "kimtest" },
  { Key: "Stack", Value: "dev" },
];

const moto = motoOfFile({ forgets: true });
let ec2: EC2Client;
beforeEach(async () => {
  ec2 = new EC2Client({});
  await moto().createBucket(OUTPUTS.s3_bucket);
  const s3 = new S3Client({ forcePathStyle: true });
  for (const key of ["digests/latest.json", "checkpoints/latest.json"]) {
    await s3.send(new PutObjectCommand({ Bucket: OUTPUTS.s3_bucket, Key: key, Body: Buffer.alloc(600_000) }));
  }
  s3.destroy();
});
afterEach(() => {
  ec2.destroy();
});

interface Machine {
  readonly id: string;
  readonly volume: string;
}

async function onDemand(tags = TAGS): Promise<Machine> {
  const started = await ec2.send(
    new RunInstancesCommand({
      ImageId: IMAGE,
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [{ ResourceType: "instance", Tags: tags }],
    }),
  );
  return seen(started.Instances?.[0]?.InstanceId ?? "");
}

async function spot(): Promise<Machine & { readonly request: string }> {
  const requested = await ec2.send(
    new RequestSpotInstancesCommand({
      InstanceCount: 1,
      Type: "persistent",
      SpotPrice: "0.05",
      LaunchSpecification: { ImageId: IMAGE, InstanceType: "c7g.xlarge" },
    }),
  );
  const { SpotInstanceRequestId: request = "", InstanceId: id = "" } = requested.SpotInstanceRequests?.[0] ?? {};
  await ec2.send(new CreateTagsCommand({ Resources: [id, request], Tags: TAGS }));
  return { ...(await seen(id)), request };
}

async function seen(id: string): Promise<Machine> {
  const { Reservations: all } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return { id, volume: all?.[0]?.Instances?.[0]?.BlockDeviceMappings?.[0]?.Ebs?.VolumeId ?? "" };
}

async function stateOf(id: string): Promise<string | undefined> {
  const { Reservations: all } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return all?.[0]?.Instances?.[0]?.State?.Name;
}

/** With a patience for tests. */
async function destroyed(options: Partial<InfraDestroyOptions>, limitMs = 5_000): Promise<Ran & { error?: unknown }> {
  const { deps, ran } = fakeDeps();
  try {
    await infraDestroy({ stack: "dev", yes: true, ...options }, deps, { pollMs: 50, limitMs });
    return ran;
  } catch (error) {
    return { ...ran, error };
  }
}

const consequences = (machine: readonly string[], kept: readonly string[], lost: readonly string[] = []): string =>
  [
    "stack dev in us-east-1, account 123456789012",
    "lost:",
    ...machine,
    "  alarms, dashboard, budget, SNS topic with its subscription, roles, parameters",
    `  log group ${OUTPUTS.log_group} with its logs`,
    ...lost,
    "kept:",
    ...kept,
    "",
  ].join("\n");
const NONE = ["  no instance: none is there now"];
const machineLines = ({ id, volume }: Machine): string[] => [
  `  instance ${id} (running)`,
  `  its disk ${volume}: the build, the running cycle's newest minutes, what waits for the bucket`,
];
const BUCKET = `  bucket s3://${OUTPUTS.s3_bucket}, 2 objects, 1.2 MB`;
const ADOPT = "to deploy onto the kept bucket: pulumi config set adoptBucket true --stack dev\n";
const DONE = `stack dev is destroyed, no instance and no spot request is left; s3://${OUTPUTS.s3_bucket}`;
const DESTROY = "destroy --yes --stack dev --non-interactive";

/** `pulumi destroy` as it should be: the instance goes. */
const destroyOf = (id: string): StandInAnswer => ({
  when: "destroy",
  stdout: "Destroying (dev):\n",
  fetch: [{ Action: "TerminateInstances", Version: "2016-11-15", "InstanceId.1": id }],
});

describe("all goes well", () => {
  test("with an instance, and the bucket is kept", async () => {
    const machine = await onDemand();
    const checkout = new Checkout([destroyOf(machine.id), ...GOOD]);
    expect(await kimtest(["infra-destroy", "--yes"])).toEqual({
      exitCode: 0,
      stdout: `${DONE} is kept\n`,
      stderr: `${consequences(machineLines(machine), [BUCKET])}Destroying (dev):\n${ADOPT}`,
    });
    expect(checkout.changes()).toEqual([DESTROY]);
    expect(await stateOf(machine.id)).toBe("terminated");
  });

  test("another stack's machine is left alone", async () => {
    const other = await onDemand([TAGS[0]!, { Key: "Stack", Value: "prod" }]);
    new Checkout();
    expect(await kimtest(["infra-destroy", "--yes"])).toMatchObject({ exitCode: 0 });
    expect(await stateOf(other.id)).toBe("running");
  });

  test("a stack that was never deployed", async () => {
    const checkout = new Checkout([{ when: "output --json", stdout: "{}" }, ...GOOD]);
    expect(await kimtest(["infra-destroy", "--yes"])).toEqual({
      exitCode: 0,
      stdout: "stack dev is destroyed, no instance and no spot request is left\n",
      stderr:
        "stack dev in us-east-1, account 123456789012\nlost:\n  no instance: none is there now\n" +
        "  alarms, dashboard, budget, SNS topic with its subscription, roles, parameters\nkept:\n  nothing\nDestroying (dev):\n",
    });
    expect(checkout.changes()).toEqual([DESTROY]);
  });

  test("--delete-data: the state learns first that the bucket may go, and the setting is put back", async () => {
    const checkout = new Checkout();
    expect(await kimtest(["infra-destroy", "--yes", "--delete-data"])).toEqual({
      exitCode: 0,
      stdout: `${DONE} is deleted\n`,
      stderr: `${consequences(NONE, ["  nothing"], [`${BUCKET}, and every older version of them`])}Updating (dev):\nResources:\n    + 31 created\nDestroying (dev):\n`,
    });
    expect(checkout.changes()).toEqual([
      "config set keepResults false --stack dev --non-interactive",
      "up --yes --stack dev --non-interactive",
      DESTROY,
      "config rm keepResults --stack dev --non-interactive",
    ]);
  });

  test("--delete-data where the setting says so already: it stays", async () => {
    const settings = { "kimtest:keepResults": { value: "false" }, "kimtest:alertEmail": { value: "a@kimberlite.dev" } };
    const checkout = new Checkout([{ when: "config --json", stdout: JSON.stringify(settings) }, ...GOOD]);
    expect(await kimtest(["infra-destroy", "--yes", "--delete-data"])).toMatchObject({ exitCode: 0 });
    expect(checkout.changes()).not.toContain("config rm keepResults --stack dev --non-interactive");
  });
});

describe("nothing is destroyed", () => {
  test("without --yes where nobody can be asked", async () => {
    const checkout = new Checkout();
    expect(await kimtest(["infra-destroy"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "kimtest: nobody can be asked here whether to destroy the stack\n  add --yes\n",
    });
    expect(checkout.notes()).toEqual([]);
  });

  test.each(["y", "", "Dev", "prod"])("when the answer is %j and not the name", async (answer) => {
    const checkout = new Checkout();
    const questions: string[] = [];
    const ask = (question: string): Promise<string> => {
      questions.push(question);
      return Promise.resolve(answer);
    };
    const ran = await kimtest(["infra-destroy"], { ask });
    expect(ran).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `${consequences(NONE, [BUCKET])}kimtest: stack dev was not destroyed: "${answer}" is not its name\n`,
    });
    expect(questions).toEqual(["type dev to destroy it: "]);
    expect(checkout.changes()).toEqual([]);
  });

  test("when there is no such stack: exit code 4", async () => {
    new Checkout([NO_STACK, ...GOOD]);
    expect(await kimtest(["infra-destroy", "--yes"])).toEqual({
      exitCode: 4,
      stdout: "",
      stderr: "kimtest: there is no stack dev\n  `pulumi stack ls` shows what there is\n",
    });
  });

  test("when the bucket cannot be looked into", async () => {
    const outputs = { ...OUTPUTS, s3_bucket: "somebody-elses" };
    const checkout = new Checkout([{ when: "output --json", stdout: JSON.stringify(outputs) }, ...GOOD]);
    const ran = await kimtest(["infra-destroy", "--yes"]);
    expect(ran).toMatchObject({ exitCode: 5, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: cannot list s3:\/\/somebody-elses: NoSuchBucket: /);
    expect(checkout.changes()).toEqual([]);
  });

  test("what is missing is said, but a missing e-mail address does not stand in the way", async () => {
    const settings: StandInAnswer = { when: "config --json", stdout: "{}" };
    const checkout = new Checkout([settings, ...GOOD]);
    checkout.remove("node_modules/@pulumi/aws");
    expect(await kimtest(["infra-destroy", "--yes"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "kimtest: stack dev cannot be destroyed: one thing is missing\n  - the packages of the Pulumi program\n      npm ci\n",
    });
  });
});

describe("pulumi destroy fails", () => {
  test("the machine is not touched outside of the stack; the setting is put back", async () => {
    const machine = await onDemand();
    const fails: StandInAnswer = { when: "destroy", stderr: "error: DependencyViolation\n", code: 255 };
    const checkout = new Checkout([fails, ...GOOD]);
    const ran = await kimtest(["infra-destroy", "--yes", "--delete-data"]);
    expect(ran).toMatchObject({ exitCode: 5, stdout: "" });
    expect(ran.stderr).toMatch(
      /error: DependencyViolation\nkimtest: pulumi destroy ended with exit code 255\n {2}its last lines above say why; .*\n$/,
    );
    expect(await stateOf(machine.id)).toBe("running");
    expect(checkout.changes().at(-1)).toBe("config rm keepResults --stack dev --non-interactive");
  });
});

describe("pulumi destroy leaves something", () => {
  test("the spot request is cancelled, then the instance terminated", async () => {
    const machine = await spot();
    new Checkout();
    const wire = await watched();
    try {
      expect(await destroyed({})).toEqual({
        exitCode: 0,
        stdout: `${DONE} is kept\n`,
        stderr:
          consequences([...machineLines(machine), `  spot request ${machine.request} (active)`], [BUCKET]) +
          "Destroying (dev):\n" +
          `left by pulumi destroy: spot request ${machine.request} (active), instance ${machine.id} (running); removing\n` +
          ADOPT,
      });
      expect(wire.actions.filter((action) => !/^(?:Describe|Get)/.test(action))).toEqual([
        "CancelSpotInstanceRequests",
        "TerminateInstances",
      ]);
    } finally {
      await wire.stop();
    }
    expect(await stateOf(machine.id)).toBe("terminated");
    const { SpotInstanceRequests: requests } = await ec2.send(new DescribeSpotInstanceRequestsCommand({}));
    expect(requests?.map(({ State: state }) => state) ?? []).not.toContain("active");
  });

  test("a request without tags is found by the instance it belongs to, also when that is gone", async () => {
    const client = mockClient(EC2Client);
    try {
      const gone = { InstanceId: "i-1", State: { Name: "terminated" }, SpotInstanceRequestId: "sir-1" } as const;
      const again = { InstanceId: "i-2", State: { Name: "pending" }, SpotInstanceRequestId: "sir-1" } as const;
      const byTag = [
        { Name: "tag:Project", Values: ["kimtest"] },
        { Name: "tag:Stack", Values: ["dev"] },
      ];
      const only = (name: string, value: string) => ({ Filters: [{ Name: name, Values: [value] }] });
      client.on(DescribeInstancesCommand, { Filters: byTag }).resolves({ Reservations: [{ Instances: [gone] }] });
      client
        .on(DescribeInstancesCommand, only("instance-id", "i-2"))
        .resolves({ Reservations: [{ Instances: [again] }] });
      client.on(DescribeSpotInstanceRequestsCommand, { Filters: byTag }).resolves({ SpotInstanceRequests: [] });
      client.on(DescribeSpotInstanceRequestsCommand, only("spot-instance-request-id", "sir-1")).resolves({
        SpotInstanceRequests: [{ SpotInstanceRequestId: "sir-1", State: "active", InstanceId: "i-2" }],
      });
      const room = new MachineRoom({ region: "us-east-1", profile: undefined }, new AbortController().signal);
      expect(await room.find("dev")).toEqual({
        instances: [{ id: "i-2", state: "pending", volumes: [], spotRequest: "sir-1" }],
        spotRequests: [{ id: "sir-1", state: "active", instance: "i-2" }],
      });
    } finally {
      client.restore();
    }
  });

  test("what cannot be removed: exit code 5, and what to type, in order", async () => {
    const machine = await spot();
    new Checkout();
    const wire = await watched("CancelSpotInstanceRequests");
    try {
      const ran = await destroyed({});
      expect(ran.stdout).toBe("");
      expect(ran.error).toMatchObject({
        code: "CLOUD_FAILED",
        exitCode: 5,
        message: `the stack is destroyed, but may cost on: cannot cancel ${machine.request}: UnauthorizedOperation: no`,
        hint: [
          "in this order:",
          `aws ec2 cancel-spot-instance-requests --region us-east-1 --spot-instance-request-ids ${machine.request}`,
          `aws ec2 terminate-instances --region us-east-1 --instance-ids ${machine.id}`,
          "aws ec2 describe-instances --region us-east-1 --filters Name=tag:Project,Values=kimtest Name=tag:Stack,Values=dev",
        ].join("\n  "),
      });
      expect(wire.actions).not.toContain("TerminateInstances");
      expect(await stateOf(machine.id)).toBe("running");
    } finally {
      await wire.stop();
    }
  });

  test("what does not go: the limit ends the waiting", async () => {
    const machine = await onDemand();
    new Checkout();
    const wire = await watched("TerminateInstances", '<TerminateInstancesResponse xmlns="x"/>', 200);
    try {
      const ran = await destroyed({}, 200);
      expect(ran.error).toMatchObject({
        exitCode: 5,
        message: "the stack is destroyed, but may cost on: they are still there",
      });
      expect(await stateOf(machine.id)).toBe("running");
    } finally {
      await wire.stop();
    }
  });
});

const REFUSED =
  "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>1</RequestID></Response>";

/** Stands between this process and the emulator: notes each EC2 action, and answers one of them itself. */
async function watched(answered?: string, body = REFUSED, status = 403) {
  const actions: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const sent = Buffer.concat(chunks);
      const action = /(?:^|&)Action=(\w+)/.exec(sent.toString())?.[1];
      if (action !== undefined) actions.push(action);
      if (action !== undefined && action === answered) {
        response.writeHead(status, { "content-type": "text/xml" }).end(body);
        return;
      }
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(
          ([name]) => !["host", "connection", "content-length", "expect"].includes(name),
        ),
      ) as Record<string, string>;
      const method = request.method ?? "GET";
      const answer = await fetch(`${moto().endpoint}${request.url ?? ""}`, {
        method,
        headers,
        ...(sent.length === 0 ? {} : { body: sent }),
      });
      const type = answer.headers.get("content-type") ?? "text/xml";
      response.writeHead(answer.status, { "content-type": type }).end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const before = process.env["AWS_ENDPOINT_URL"];
  process.env["AWS_ENDPOINT_URL"] = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    actions,
    async stop() {
      process.env["AWS_ENDPOINT_URL"] = before;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
