/**
 * Sessions of Session Manager, held by the session-manager-plugin as the AWS CLI has it do:
 *
 *   session-manager-plugin RESPONSE REGION StartSession PROFILE REQUEST ENDPOINT
 *
 * The response has a token that lets anybody into the session, and arguments can be seen by every user of a machine.
 * Plugins from 1.2.497.0 on take the name of an environment variable in its place; older ones need the response itself.
 */
import { SSMClient, StartSessionCommand, TargetNotConnected, TerminateSessionCommand } from "@aws-sdk/client-ssm";
import { execa } from "execa";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { asking, clientConfig, endpointOf, type AwsTarget } from "./client.ts";

export interface Forward {
  readonly localPort: number;
  readonly remotePort: number;
}

const PLUGIN = "session-manager-plugin";
const RESPONSE_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE";
/** The first that reads the variable is the one after. */
const LAST_WITHOUT_VARIABLE = [1, 2, 497, 0];
const VERSION_MS = 10_000;
const TERMINATE_MS = 5_000;

const INSTALL_HINT =
  "install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/" +
  "session-manager-working-with-install-plugin.html (macOS: brew install --cask session-manager-plugin); " +
  "without it: kimtest infra-ssh --command 'systemctl status kimtest'";

/** Resolves when the session has ended. @throws KimtestError `TOOL_MISSING`, `CLOUD_FAILED` */
export async function holdSession(
  instance: string,
  forward: Forward | undefined,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<void> {
  const client = new SSMClient(clientConfig(target));
  const request = requestOf(instance, forward);
  try {
    const takesVariable = await pluginTakesVariable(stop);
    const { SessionId, StreamUrl, TokenValue } = await asking(
      `cannot start a session on ${instance}`,
      start(client, request, instance, stop),
      target.profile,
    );
    const response = JSON.stringify({ SessionId, TokenValue, StreamUrl });
    const argv = [
      takesVariable ? RESPONSE_VARIABLE : response,
      target.region,
      "StartSession",
      target.profile ?? "",
      JSON.stringify(request),
      // Where the plugin resumes a session whose connection broke.
      endpointOf("ssm", target.region),
    ];
    const env = takesVariable ? { [RESPONSE_VARIABLE]: response } : {};
    try {
      await hold(argv, env, stop);
    } catch (error) {
      if (!(error instanceof KimtestError)) throw error;
      // The plugin ends what it has begun. What it has not begun, or left in a crash, stays open for 20 minutes.
      throw new KimtestError(error.code, `${error.message}; ${await terminate(client, SessionId ?? "")}`, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
  } finally {
    client.destroy();
  }
}

function requestOf(instance: string, forward: Forward | undefined) {
  if (forward === undefined) return { Target: instance };
  return {
    Target: instance,
    DocumentName: "AWS-StartPortForwardingSession",
    Parameters: { portNumber: [String(forward.remotePort)], localPortNumber: [String(forward.localPort)] },
  };
}

async function start(client: SSMClient, request: ReturnType<typeof requestOf>, instance: string, stop: AbortSignal) {
  try {
    return await client.send(new StartSessionCommand(request), { abortSignal: stop });
  } catch (error) {
    if (!(error instanceof TargetNotConnected)) throw error;
    throw new KimtestError("CLOUD_FAILED", `${instance} does not answer Systems Manager`, {
      hint: "is it running? (kimtest infra-start) A machine that has just started takes a minute or two",
      cause: error,
    });
  }
}

/** @throws KimtestError `TOOL_MISSING`: then no session is begun. */
async function pluginTakesVariable(stop: AbortSignal): Promise<boolean> {
  return isLater(await readPluginVersion(stop), LAST_WITHOUT_VARIABLE);
}

/** As it says it. @throws KimtestError `TOOL_MISSING` with how to install it */
export async function readPluginVersion(stop: AbortSignal): Promise<string> {
  const ran = await execa(PLUGIN, ["--version"], {
    reject: false,
    timeout: VERSION_MS,
    cancelSignal: stop,
    stdin: "ignore",
  });
  if (stop.aborted) throw new KimtestError("INTERRUPTED", "interrupted; no session was begun");
  if (ran.code === "ENOENT" || ran.code === "EACCES") throw missing();
  return ran.stdout.trim();
}

const missing = (): KimtestError =>
  new KimtestError("TOOL_MISSING", `there is no ${PLUGIN} on PATH`, { hint: INSTALL_HINT });

export function isLater(version: string, than: readonly number[]): boolean {
  const parts = (/\d+(?:\.\d+)+/.exec(version)?.[0] ?? "0").split(".").map(Number);
  const index = than.findIndex((part, at) => (parts[at] ?? 0) !== part);
  return index !== -1 && (parts[index] ?? 0) > (than[index] ?? 0);
}

/** Keys of the terminal reach the plugin, too, which passes them on to the machine: they are no business of ours. */
const KEYS = ["SIGINT", "SIGQUIT", "SIGTSTP"] as const;
const ignored = (): void => undefined;

/** Ctrl-C, any number of them, is for the program on the machine. Other signals end the session. */
async function hold(argv: readonly string[], env: Record<string, string>, stop: AbortSignal): Promise<void> {
  for (const key of KEYS) process.on(key, ignored);
  const child = execa(PLUGIN, argv, { stdio: "inherit", reject: false, env });
  const isEnding = (): boolean => stop.aborted && stop.reason !== "SIGINT";
  const onStop = (): void => {
    if (isEnding()) child.kill("SIGTERM");
  };
  stop.addEventListener("abort", onStop);
  onStop();
  const ran = await child;
  stop.removeEventListener("abort", onStop);
  for (const key of KEYS) process.off(key, ignored);
  if (ran.exitCode === 0) return;
  if (isEnding() || ran.signal === "SIGINT") throw new KimtestError("INTERRUPTED", "the session was interrupted");
  if (ran.code === "ENOENT" || ran.code === "EACCES") throw missing();
  const end =
    ran.exitCode === undefined ? (ran.shortMessage ?? "did not end well") : `exit code ${String(ran.exitCode)}`;
  throw new KimtestError("CLOUD_FAILED", `${PLUGIN}: ${end}`, { hint: "its own words are above" });
}

async function terminate(client: SSMClient, session: string): Promise<string> {
  try {
    const command = new TerminateSessionCommand({ SessionId: session });
    await client.send(command, { abortSignal: AbortSignal.timeout(TERMINATE_MS) });
    return "the session is terminated";
  } catch (error) {
    return `session ${session} could not be terminated (${reasonOf(error)})`;
  }
}
