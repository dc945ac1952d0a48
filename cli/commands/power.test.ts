/**
 * infra-stop and infra-start against a real AWS emulator.
 *
 * The emulator changes states at once, its spot requests say `fulfilled` for ever, and EC2 never takes a machine from
 * it: what EC2 says on the way and after an interruption are mocked answers (the rules are in power-rules.test.ts).
 * Nor has it alarm actions: CloudWatch is mocked throughout.
 */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  EC2Client,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { until } from "../../test/until.ts";
import { putStack, startMachine } from "../aws/stack.fixture.ts";
import type { Goal } from "../aws/power-rules.ts";
import { fakeDeps, kimtest } from "../fake-deps.fixture.ts";
import { power } from "./power.ts";

motoOfFile({ forgets: true });

const ALARM = "kimtest-dev-no-progress";

/** Of the alarm, whether it tells anybody; undefined: there is none. */
let alarmTells: boolean | undefined;
let cloudWatch: ReturnType<typeof mockAlarms>;
function mockAlarms() {
  const mock = mockClient(CloudWatchClient);
  mock
    .on(DescribeAlarmsCommand, { AlarmNames: [ALARM] })
    .callsFake(() => ({ MetricAlarms: alarmTells === undefined ? [] : [{ AlarmName: ALARM }] }));
  mock.on(EnableAlarmActionsCommand, { AlarmNames: [ALARM] }).callsFake(() => {
    alarmTells = true;
    return {};
  });
  mock.on(DisableAlarmActionsCommand, { AlarmNames: [ALARM] }).callsFake(() => {
    alarmTells = false;
    return {};
  });
  return mock;
}
beforeEach(() => {
  alarmTells = true;
  cloudWatch = mockAlarms();
});
afterEach(() => {
  cloudWatch.restore();
});

async function deployed(purchase: "spot" | "on-demand"): Promise<string> {
  const id = await startMachine("dev", purchase);
  await putStack("dev", { instance_id: id, purchase });
  return id;
}

describe("there and back", () => {
  test.each(["spot", "on-demand"] as const)("%s", async (purchase) => {
    const id = await deployed(purchase);
    expect(await kimtest(["infra-start"])).toMatchObject({
      exitCode: 0,
      stdout: `stack dev: ${id} is running already\n`,
    });
    expect(await brought("stopped")).toEqual({
      exitCode: 0,
      stdout: `stack dev: ${id} is stopped\n`,
      stderr:
        `${id} is running\n${id} is stopped\n` +
        "its disk is kept and paid for; no-progress tells nobody until: kimtest infra-start --stack dev --region us-east-1\n",
    });
    expect(alarmTells).toBe(false);
    expect((await kimtest(["infra-stop"])).stdout).toBe(`stack dev: ${id} is stopped already\n`);
    const { stdout, ...rest } = await brought("running", { json: true });
    expect(JSON.parse(stdout)).toEqual({
      stack: "dev",
      region: "us-east-1",
      instance_id: id,
      state: "running",
      changed: true,
    });
    expect(rest).toEqual({
      exitCode: 0,
      stderr:
        `${id} is stopped\n${id} is running\n` +
        "the service goes on with its cycle in a minute or two: kimtest infra-logs --stack dev --region us-east-1\n",
    });
    expect(alarmTells).toBe(true);
  });
});

const brief = { pollMs: 5, limitMs: 60_000 };

async function brought(goal: Goal, options: { json?: true } = {}, patience = brief, stop?: AbortSignal) {
  const { deps, ran } = fakeDeps(stop === undefined ? {} : { stop });
  await power(goal, options, deps, patience);
  return ran;
}

describe("what stands in the way", () => {
  test("a machine that is gone", async () => {
    const id = await deployed("on-demand");
    const ec2 = new EC2Client({});
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    ec2.destroy();
    expect(await kimtest(["infra-start"])).toEqual({
      exitCode: 4,
      stdout: "",
      stderr:
        `${id} is terminated\nkimtest: ${id} is terminated: it cannot be started any more\n` +
        "  another one has taken its place, or none: kimtest deploy-infra --stack dev puts that right\n",
    });
  });

  test("a machine that EC2 does not know", async () => {
    await putStack("dev");
    const ran = await kimtest(["infra-stop"]);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: EC2 knows no instance i-0123456789abcdef0\n/);
  });

  test("the alarm is gone: the machine is stopped, and that is said", async () => {
    const id = await startMachine("dev");
    await putStack("dev", { instance_id: id });
    alarmTells = undefined;
    await expect(brought("stopped")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `the machine is stopped, but there is no alarm ${ALARM}`,
      hint: `aws cloudwatch disable-alarm-actions --region us-east-1 --alarm-names ${ALARM}`,
    });
  });
});

interface Seen {
  readonly state: "pending" | "running" | "stopping" | "stopped";
  readonly reason?: string;
  readonly code?: string;
}

/** Mocked answers: each look sees the next of them, and the last one for ever. */
async function facing(
  seen: readonly Seen[],
  work: (asked: () => string[], looked: () => number) => Promise<void>,
): Promise<void> {
  await putStack("dev");
  const mock = mockClient(EC2Client);
  let looks = 0;
  const now = (): Seen => seen[Math.min(Math.max(looks - 1, 0), seen.length - 1)]!;
  mock.on(DescribeInstancesCommand).callsFake(() => {
    looks += 1;
    const { state, reason } = now();
    const instance = {
      InstanceId: "i-0123456789abcdef0",
      State: { Name: state },
      StateTransitionReason: reason,
      SpotInstanceRequestId: "sir-1",
    };
    return { Reservations: [{ Instances: [instance] }] };
  });
  mock.on(DescribeSpotInstanceRequestsCommand).callsFake(() => ({
    SpotInstanceRequests: [{ SpotInstanceRequestId: "sir-1", Status: { Code: now().code ?? "fulfilled" } }],
  }));
  mock.on(StartInstancesCommand).resolves({});
  mock.on(StopInstancesCommand).resolves({});
  const asked = (): string[] =>
    mock.calls().flatMap(({ args: [command] }) => {
      const { name } = command.constructor;
      return name.startsWith("Describe") ? [] : name;
    });
  try {
    await work(asked, () => looks);
  } finally {
    mock.restore();
  }
}

const USER = { code: "instance-stopped-by-user" };
const EC2 = { code: "instance-stopped-no-capacity", reason: "Server.SpotInstanceShutdown" };

describe("on the way (mocked: the emulator has no way, only ends)", () => {
  test("stopped by a person: started, and each state is told once", async () => {
    const seen: Seen[] = [{ state: "stopped", ...USER }, { state: "stopped", ...USER }, { state: "pending" }];
    await facing([...seen, { state: "pending" }, { state: "running" }], async (asked) => {
      const { stderr } = await brought("running");
      expect(stderr.match(/is \w+(?=\n)/g)).toEqual(["is stopped", "is pending", "is running"]);
      expect(asked()).toEqual(["StartInstancesCommand"]);
    });
  });

  test("interrupted by EC2: not started by us", async () => {
    await facing([{ state: "stopped", ...EC2 }], async (asked) => {
      await expect(brought("running")).rejects.toMatchObject({
        code: "CLOUD_FAILED",
        message:
          "i-0123456789abcdef0 was interrupted by EC2 (instance-stopped-no-capacity, Server.SpotInstanceShutdown): only EC2 starts it again, when there is room",
      });
      expect(asked()).toEqual([]);
    });
  });

  test("interrupted by EC2: not said to be stopped for good", async () => {
    await facing(
      [
        { state: "stopping", code: "marked-for-stop" },
        { state: "stopped", ...EC2 },
      ],
      async (asked) => {
        const error: unknown = await brought("stopped").catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({
          code: "CLOUD_FAILED",
          message:
            "i-0123456789abcdef0 was interrupted by EC2 (instance-stopped-no-capacity, Server.SpotInstanceShutdown): it is off, but EC2 starts it again when there is room",
        });
        expect((error as { hint: string }).hint).toContain("never cancel the request of a stopped machine");
        expect(asked()).toEqual([]);
        expect(alarmTells).toBe(true);
      },
    );
  });

  test("infra-start while it still stops: waits, then starts", async () => {
    const seen: Seen[] = [{ state: "stopping" }, { state: "stopped", ...USER }, { state: "running" }];
    await facing(seen, async (asked) => {
      expect((await brought("running")).exitCode).toBe(0);
      expect(asked()).toEqual(["StartInstancesCommand"]);
    });
  });

  test("it starts and falls back: EC2's reason", async () => {
    const back = { state: "stopped", code: "fulfilled", reason: "User initiated (x)" } as const;
    await facing([{ state: "stopped", ...USER }, { state: "pending" }, back], async () => {
      await expect(brought("running")).rejects.toMatchObject({
        message: "i-0123456789abcdef0 is stopped again: User initiated (x)",
      });
    });
  });

  test("the deadline: what is so then", async () => {
    await facing([{ state: "stopping" }], async () => {
      await expect(brought("stopped", {}, { pollMs: 5, limitMs: 60 })).rejects.toMatchObject({
        code: "CLOUD_FAILED",
        message: "i-0123456789abcdef0 is still stopping after 0 minutes",
      });
    });
  });

  test("Ctrl-C: what goes on", async () => {
    await facing([{ state: "running" }, { state: "stopping" }], async (_asked, looked) => {
      const stop = new AbortController();
      const ends = brought("stopped", {}, brief, stop.signal);
      ends.catch(() => undefined); // looked at below
      await until("it was seen to be stopping", () => looked() >= 3);
      stop.abort();
      await expect(ends).rejects.toMatchObject({
        code: "INTERRUPTED",
        message: "interrupted: the machine was stopping, and EC2 goes on with what it was asked for",
      });
    });
  });
});
