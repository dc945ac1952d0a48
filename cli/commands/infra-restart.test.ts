/**
 * infra-restart against a real AWS emulator, which takes the command and runs none: how commands end is mocked.
 */
import {
  CancelCommandCommand,
  GetCommandInvocationCommand,
  GetParameterCommand,
  InvalidInstanceId,
  InvocationDoesNotExist,
  ListCommandsCommand,
  SendCommandCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { serviceParameterName, stackParameterName } from "../../contracts/stack.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { DELIVERED_SHA, partsOf, putParameter, putStack, serviceText, startMachine } from "../aws/stack.fixture.ts";
import { fakeDeps, kimtest } from "../fake-deps.fixture.ts";
import { infraRestart } from "./infra-restart.ts";

motoOfFile({ forgets: true });

const brief = { pollMs: 5, runSeconds: 1, startSeconds: 30, graceMs: 0 };

async function restarted(options: { json?: true } = {}, stop?: AbortSignal, limits = brief) {
  const { deps, ran } = fakeDeps(stop === undefined ? {} : { stop });
  await infraRestart({ stack: "dev", ...options }, deps, limits);
  return ran;
}

test("the emulator takes the command; what it makes up in place of output is no bundle, and that is said", async () => {
  const id = await startMachine("dev");
  await putStack("dev", { instance_id: id });
  const ran = await kimtest(["infra-restart"]);
  expect(ran).toMatchObject({ exitCode: 5, stdout: "" });
  expect(ran.stderr).toMatch(/kimtest: the service did not start \(exit code 0\): /);
  const client = new SSMClient({});
  const { Commands: sent } = await client.send(new ListCommandsCommand({}));
  client.destroy();
  expect(sent).toEqual([
    expect.objectContaining({
      DocumentName: "AWS-RunShellScript",
      InstanceIds: [id],
      Parameters: {
        commands: ['systemctl restart kimtest && basename "$(readlink /opt/kimtest/current)"'],
        executionTimeout: ["1300"],
      },
    }),
  ]);
});

test("without settings to compare with, nothing is restarted", async () => {
  await putParameter(stackParameterName("dev"), partsOf("dev"));
  const ran = await kimtest(["infra-restart"]);
  expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: the SSM parameter \/kimtest\/dev\/service is missing or of another version\n/);
});

describe("how it ends (mocked: the emulator's commands all succeed at once)", () => {
  const mocked = (...answers: object[]) => {
    const mock = mockClient(SSMClient);
    mock
      .on(GetParameterCommand, { Name: stackParameterName("dev") })
      .resolves({ Parameter: { Value: JSON.stringify(partsOf("dev")) } });
    mock
      .on(GetParameterCommand, { Name: serviceParameterName("dev") })
      .resolves({ Parameter: { Value: serviceText("dev") } });
    mock.on(SendCommandCommand).resolves({ Command: { CommandId: "c-1" } });
    mock.on(CancelCommandCommand).resolves({});
    let asked = 0;
    mock.on(GetCommandInvocationCommand).callsFake(() => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    });
    return mock;
  };
  const notYet = new InvocationDoesNotExist({ message: "", $metadata: {} });
  const success = (text: string) => ({ Status: "Success", ResponseCode: 0, StandardOutputContent: text });

  test("as it should: waits, tells, and names the bundle", async () => {
    const mock = mocked(notYet, { Status: "InProgress" }, { Status: "InProgress" }, success(`${DELIVERED_SHA}\n`));
    try {
      expect(await restarted()).toEqual({
        exitCode: 0,
        stdout: "stack dev: the service runs bundle abababababab\n",
        stderr: "restarting the service on i-0123456789abcdef0; the running cycle goes on\nPending\nInProgress\n",
      });
    } finally {
      mock.restore();
    }
  });

  test("another bundle came up: the one that runs on stdout, exit code 5", async () => {
    const mock = mocked(success("cd".repeat(32)));
    const { deps, ran } = fakeDeps();
    try {
      await expect(infraRestart({ stack: "dev", json: true }, deps, brief)).rejects.toMatchObject({
        code: "CLOUD_FAILED",
        message: "the service did not take the delivered bundle abababababab",
      });
      expect(JSON.parse(ran.stdout)).toEqual({
        stack: "dev",
        region: "us-east-1",
        instance_id: "i-0123456789abcdef0",
        running_bundle: "cd".repeat(32),
        delivered_bundle: DELIVERED_SHA,
      });
    } finally {
      mock.restore();
    }
  });

  const failures: [string, object, string][] = [
    [
      "systemd says no",
      { Status: "Failed", StatusDetails: "Failed", ResponseCode: 1, StandardErrorContent: "Job failed.\n" },
      "the service did not start (exit code 1): Job failed.",
    ],
    [
      "it takes too long",
      { Status: "TimedOut", StatusDetails: "Execution Timed Out", ResponseCode: 137 },
      "the command on i-0123456789abcdef0 did not end: Execution Timed Out (within 1 s)",
    ],
    [
      "the machine did not take it",
      { Status: "TimedOut", StatusDetails: "Delivery Timed Out", ResponseCode: -1 },
      "the command on i-0123456789abcdef0 did not end: Delivery Timed Out (within 30 s)",
    ],
    [
      "the machine went away",
      { Status: "Failed", StatusDetails: "Undeliverable", ResponseCode: -1 },
      "the command on i-0123456789abcdef0 did not end: Undeliverable",
    ],
  ];
  test.each(failures)("%s", async (_, answer, message) => {
    const mock = mocked(answer);
    try {
      await expect(restarted()).rejects.toMatchObject({ code: "CLOUD_FAILED", message });
    } finally {
      mock.restore();
    }
  });

  test("the deadline", async () => {
    const mock = mocked({ Status: "InProgress" });
    try {
      const limits = { ...brief, runSeconds: 0, startSeconds: 0, graceMs: 50 };
      await expect(restarted({}, undefined, limits)).rejects.toMatchObject({
        message: "command c-1 on i-0123456789abcdef0 is still InProgress, past its deadline",
      });
    } finally {
      mock.restore();
    }
  });

  test("a machine that does not answer", async () => {
    const mock = mocked({});
    mock.on(SendCommandCommand).rejects(new InvalidInstanceId({ message: "", $metadata: {} }));
    try {
      await expect(restarted()).rejects.toMatchObject({
        message: "i-0123456789abcdef0 does not answer Systems Manager",
      });
    } finally {
      mock.restore();
    }
  });

  test("Ctrl-C cancels it", async () => {
    const mock = mocked();
    const stop = new AbortController();
    mock.on(GetCommandInvocationCommand).callsFake(() => {
      stop.abort();
      return { Status: "InProgress" };
    });
    try {
      await expect(restarted({}, stop.signal)).rejects.toMatchObject({
        code: "INTERRUPTED",
        message: "interrupted: the command on i-0123456789abcdef0 is being cancelled",
      });
      expect(mock.commandCalls(CancelCommandCommand).map(({ args: [command] }) => command.input)).toEqual([
        { CommandId: "c-1", InstanceIds: ["i-0123456789abcdef0"] },
      ]);
    } finally {
      mock.restore();
    }
  });
});
