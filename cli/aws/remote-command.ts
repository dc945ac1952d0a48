/**
 * One command on the machine, by Systems Manager's Run Command: no key, no open port, no plugin.
 *
 * Two limits of AWS are said rather than hidden. SendCommand's TimeoutSeconds limits only how long the command may
 * wait for the machine; how long it may run is a parameter of the document. And of the output, 24,000 characters come
 * back (8,000 of stderr): https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  CancelCommandCommand,
  GetCommandInvocationCommand,
  InvalidInstanceId,
  InvocationDoesNotExist,
  SendCommandCommand,
  SSMClient,
  type GetCommandInvocationCommandOutput,
} from "@aws-sdk/client-ssm";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export interface RemoteLimits {
  readonly pollMs: number;
  /** How long the command may run on the machine. */
  readonly runSeconds: number;
  /** How long it may wait for the machine; AWS takes no less than 30. */
  readonly startSeconds: number;
  /** Beyond both, for AWS to say how it ended. */
  readonly graceMs: number;
}

export interface RemoteEnd {
  /** What the command's shell ended with. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The output was longer than what AWS gives back. */
  readonly isCut: boolean;
}

const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;
const CANCEL_MS = 5_000;
const ON_THE_WAY = new Set(["Pending", "InProgress", "Delayed", "Cancelling"]);

/** @throws KimtestError `CLOUD_FAILED` when the command did not come to an end of its own. */
export async function runRemotely(
  instance: string,
  command: string,
  target: AwsTarget,
  limits: RemoteLimits,
  stop: AbortSignal,
  tell: (status: string) => void = () => undefined,
): Promise<RemoteEnd> {
  const client = new SSMClient(clientConfig(target));
  try {
    const sending = send(target, instance, command, limits, stop);
    const id = await asking(`cannot send a command to ${instance}`, sending, target.profile);
    try {
      return endOf(await invocation(client, instance, id, limits, stop, tell), instance, limits);
    } catch (error) {
      if (!stop.aborted) throw error;
      throw new KimtestError("INTERRUPTED", `interrupted: ${await cancel(client, instance, id)}`, { cause: error });
    }
  } finally {
    client.destroy();
  }
}

/** Once: a command whose answer is lost may be under way, and nobody knows what it does when it is run twice. */
async function send(target: AwsTarget, instance: string, command: string, limits: RemoteLimits, stop: AbortSignal) {
  const client = new SSMClient({ ...clientConfig(target), maxAttempts: 1 });
  const request = new SendCommandCommand({
    DocumentName: "AWS-RunShellScript",
    InstanceIds: [instance],
    Comment: "kimtest",
    TimeoutSeconds: limits.startSeconds,
    Parameters: { commands: [command], executionTimeout: [String(limits.runSeconds)] },
  });
  try {
    return (await client.send(request, { abortSignal: stop })).Command?.CommandId ?? "";
  } catch (error) {
    if (!(error instanceof InvalidInstanceId)) throw error;
    throw new KimtestError("CLOUD_FAILED", `${instance} does not answer Systems Manager`, {
      hint: "is it running? (kimtest infra-start) A machine that has just started takes a minute or two",
      cause: error,
    });
  } finally {
    client.destroy();
  }
}

async function invocation(
  client: SSMClient,
  instance: string,
  id: string,
  limits: RemoteLimits,
  stop: AbortSignal,
  tell: (status: string) => void,
): Promise<GetCommandInvocationCommandOutput> {
  const deadlineMs = performance.now() + (limits.startSeconds + limits.runSeconds) * 1_000 + limits.graceMs;
  const question = new GetCommandInvocationCommand({ CommandId: id, InstanceId: instance });
  let told = "";
  for (;;) {
    const answer = await asking(`cannot ask how command ${id} goes`, askOnce(client, question, stop));
    const status = answer?.Status ?? "Pending";
    if (answer !== undefined && !ON_THE_WAY.has(status)) return answer;
    if (status !== told) tell(status);
    told = status;
    if (performance.now() >= deadlineMs) {
      throw new KimtestError("CLOUD_FAILED", `command ${id} on ${instance} is still ${status}, past its deadline`, {
        hint: "is the machine alive? `kimtest infra-logs` shows its last words",
      });
    }
    await delay(limits.pollMs, undefined, { signal: stop });
  }
}

/** undefined: AWS has not heard of it yet, which is so for a moment after it was sent. */
async function askOnce(client: SSMClient, question: GetCommandInvocationCommand, stop: AbortSignal) {
  try {
    return await client.send(question, { abortSignal: stop });
  } catch (error) {
    if (error instanceof InvocationDoesNotExist) return undefined;
    throw error;
  }
}

function endOf(answer: GetCommandInvocationCommandOutput, instance: string, limits: RemoteLimits): RemoteEnd {
  const { Status: status = "", StatusDetails: details = "", ResponseCode: code } = answer;
  const { StandardOutputContent: stdout = "", StandardErrorContent: stderr = "" } = answer;
  const hasEnded = status === "Success" || (status === "Failed" && code !== undefined && code >= 0);
  if (hasEnded) {
    const isCut = stdout.length >= MAX_STDOUT || stderr.length >= MAX_STDERR;
    return { exitCode: code ?? 0, stdout, stderr, isCut };
  }
  const seconds = details === "Execution Timed Out" ? limits.runSeconds : limits.startSeconds;
  const within = status === "TimedOut" ? ` (within ${String(seconds)} s)` : "";
  throw new KimtestError("CLOUD_FAILED", `the command on ${instance} did not end: ${details || status}${within}`, {
    hint: details.startsWith("Delivery") || details === "Undeliverable" ? "is the machine running?" : "try it again",
  });
}

/** What became of it, in words: a command that is not cancelled goes on. */
async function cancel(client: SSMClient, instance: string, id: string): Promise<string> {
  try {
    const request = new CancelCommandCommand({ CommandId: id, InstanceIds: [instance] });
    await client.send(request, { abortSignal: AbortSignal.timeout(CANCEL_MS) });
    return `the command on ${instance} is being cancelled`;
  } catch (error) {
    return `the command on ${instance} goes on, it could not be cancelled (${reasonOf(error)})`;
  }
}
