/**
 * Records infra-status, infra-logs and cycle as a terminal shows them, into `docs/terminal/`: 80 and 140 columns, with
 * and without colour.
 *
 *   npm run build && node tools/record-terminal.ts
 *
 * Everything is real but AWS: the Pulumi program is deployed to the emulator, a whole cycle puts its results into the
 * bucket, a second one runs while the screen is taken, and tmux is the terminal. The emulator keeps no spot request for
 * the machine that the program makes and never evaluates an alarm: so the parameter is pointed at a spot machine that
 * does have one, and alarms are set to OK; and the runner's log is put into the log group, which is the CloudWatch agent's
 * work. Needs tmux; takes about nine minutes on a machine that is not
 * busy with other things: there, the cycle is inconclusive, and so it is recorded.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DeleteBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { execa } from "execa";
import { putParameter, startMachine } from "../cli/aws/stack.fixture.ts";
import { infraStatusSchema } from "../contracts/infra-status.ts";
import { stackParameterName, stackParameterSchema } from "../contracts/stack.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { shellQuoted } from "../runner/tools/shell.ts";
import { startMoto } from "../test/aws/moto.ts";
import { deploy } from "../test/infra/deploy.ts";

const FOLDER = fileURLToPath(new URL("../docs/terminal", import.meta.url));
const KIMTEST = fileURLToPath(new URL("../dist/kimtest.js", import.meta.url));
const WIDTHS = [80, 140];
const ROWS = 60;
const CYCLE_SECONDS = 180;
/** Of a cycle on this machine, in the terminal itself. */
const SHORT_CYCLE_SECONDS = 60;
const SCREEN_SECONDS = 120;
/** They fit the screen, in both widths. */
const LOG_LINES = 10;

const work = mkdtempSync(join(tmpdir(), "record-terminal-"));
const moto = await startMoto();
const env = { ...process.env, ...moto.env, TZ: "UTC" };
try {
  process.stderr.write("deploying to the emulator\n");
  const { outputs } = await deploy({ config: { alertEmail: "team@kimberlite.dev" } });
  await pointAtSpotMachine();
  await settleAlarms();
  await openBucket(String(outputs["s3_bucket"]));
  const store = `s3://${String(outputs["s3_bucket"])}`;
  const cycle = ["cycle", "--store", store, "--state", join(work, "state"), "--duration", `${String(CYCLE_SECONDS)}s`];
  process.stderr.write("a whole cycle\n");
  // Failures found and inconclusive are results, too.
  await execa(process.execPath, [KIMTEST, ...cycle], { cwd: work, env, reject: false });
  process.stderr.write("a second one, and the screens\n");
  const second = execa(process.execPath, [KIMTEST, ...cycle], { cwd: work, env, reject: false });
  await untilVopr(2);
  mkdirSync(FOLDER, { recursive: true });
  await putLog(String(outputs["log_group"]));
  await record("infra-status", ["infra-status", "--stack", "dev"]);
  await record("infra-logs", ["infra-logs", "--stack", "dev", "--since", "1h", "--no-follow"]);
  second.kill("SIGTERM");
  await second;
  await record("cycle", ["cycle", "--duration", `${String(SHORT_CYCLE_SECONDS)}s`]);
} finally {
  await moto.stop();
  rmSync(work, { recursive: true, force: true });
}

/** Until the bucket has a copy of this cycle's state with seeds in it. */
async function untilVopr(number: number): Promise<void> {
  const argv = [KIMTEST, "infra-status", "--stack", "dev", "--fields", "cycle"];
  for (let turn = 0; turn < CYCLE_SECONDS; turn += 1) {
    const { stdout } = await execa(process.execPath, argv, { cwd: work, env });
    const { cycle: now } = infraStatusSchema.pick({ cycle: true }).parse(JSON.parse(stdout));
    if (now?.number === number && now.phase === "vopr" && now.iterations > 0) return;
    await delay(1_000);
  }
  throw new Error(`cycle ${String(number)} did not get to its VOPR phase`);
}

async function pointAtSpotMachine(): Promise<void> {
  const name = stackParameterName("dev");
  const client = new SSMClient({});
  const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
  client.destroy();
  const parts = decodeJson(Parameter?.Value ?? "", name, stackParameterSchema);
  await putParameter(name, { ...parts, instance_id: await startMachine("dev", "spot") });
}

/** The emulator looks at no conditions: to it, the statement against calls without TLS refuses all calls. */
async function openBucket(Bucket: string): Promise<void> {
  const client = new S3Client({ forcePathStyle: true });
  await client.send(new DeleteBucketPolicyCommand({ Bucket }));
  client.destroy();
}

async function settleAlarms(): Promise<void> {
  const client = new CloudWatchClient({});
  const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({}));
  for (const { AlarmName } of MetricAlarms) {
    await client.send(new SetAlarmStateCommand({ AlarmName, StateValue: "OK", StateReason: "recorded" }));
  }
  client.destroy();
}

async function putLog(logGroupName: string): Promise<void> {
  const client = new CloudWatchLogsClient({});
  const logStreamName = "runner/i-0123456789abcdef0";
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const lines = readFileSync(join(work, "state", "runner.log"), "utf8")
    .trimEnd()
    .split("\n")
    .slice(0, LOG_LINES);
  const logEvents = lines.map((message) => ({
    message,
    timestamp: Date.parse((JSON.parse(message) as { time: string }).time),
  }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
  client.destroy();
}

async function record(name: string, argv: readonly string[]): Promise<void> {
  for (const columns of WIDTHS) {
    for (const isColoured of [false, true]) {
      const file = `${name}-${String(columns)}${isColoured ? "-colour" : ""}.txt`;
      writeFileSync(join(FOLDER, file), await screen(argv, columns, isColoured));
      process.stderr.write(`docs/terminal/${file}\n`);
    }
  }
}

/** What a terminal of this width shows when the command has ended. A tmux server of its own, ended with it. */
async function screen(argv: readonly string[], columns: number, isColoured: boolean): Promise<string> {
  const socket = join(work, "tmux");
  const folder = mkdtempSync(join(work, "here-"));
  const tmux = (...args: string[]) => execa("tmux", ["-f", "/dev/null", "-S", socket, ...args], { env });
  const command = `${isColoured ? "" : "NO_COLOR=1 "}node ${[KIMTEST, ...argv].map(shellQuoted).join(" ")}`;
  const size = ["-x", String(columns), "-y", String(ROWS)];
  await tmux("new-session", "-d", ...size, "-c", folder, `${command}; echo "exit code $?"; exec cat`);
  try {
    for (let turn = 0; turn < SCREEN_SECONDS; turn += 1) {
      await delay(1_000);
      const { stdout } = await tmux("capture-pane", "-p", ...(isColoured ? ["-e"] : []));
      if (/^exit code \d+$/m.test(stdout)) {
        return `$ kimtest ${argv.join(" ")}\n${stdout.trimEnd().replaceAll(folder, "…")}${isColoured ? "\u001b[0m" : ""}\n`;
      }
    }
    throw new Error(`kimtest ${argv.join(" ")}: not all was shown at ${String(columns)} columns`);
  } finally {
    await tmux("kill-server");
  }
}
