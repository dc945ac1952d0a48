/**
 * Records infra-status as a terminal shows it, into `docs/terminal/`: 80 and 140 columns, with and without colour.
 *
 *   npm run build && node tools/record-terminal.ts
 *
 * Everything is real but AWS: the Pulumi program is deployed to the emulator, a whole cycle puts its results into the
 * bucket, a second one runs while the screen is taken, and tmux is the terminal. The emulator keeps no spot request for
 * the machine that the program makes and never evaluates an alarm: so the parameter is pointed at a spot machine that
 * does have one, and alarms are set to OK. Needs tmux; takes about five minutes on a machine that is not
 * busy with other things: there, the cycle is inconclusive, and so it is recorded.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
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
const ROWS = 45;
const CYCLE_SECONDS = 180;
const SCREEN_SECONDS = 30;

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
  for (const columns of WIDTHS) {
    for (const isColoured of [false, true]) {
      const name = `infra-status-${String(columns)}${isColoured ? "-colour" : ""}.txt`;
      writeFileSync(join(FOLDER, name), await screen(columns, isColoured));
      process.stderr.write(`docs/terminal/${name}\n`);
    }
  }
  second.kill("SIGTERM");
  await second;
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

/** What a terminal of this width shows when the command has ended. A tmux server of its own, ended with it. */
async function screen(columns: number, isColoured: boolean): Promise<string> {
  const socket = join(work, `tmux-${String(columns)}-${String(isColoured)}`);
  const tmux = (...args: string[]) => execa("tmux", ["-f", "/dev/null", "-S", socket, ...args], { env });
  const command = `${isColoured ? "" : "NO_COLOR=1 "}node ${shellQuoted(KIMTEST)} infra-status --stack dev`;
  const size = ["-x", String(columns), "-y", String(ROWS)];
  await tmux("new-session", "-d", ...size, "-c", work, `${command}; exec cat`);
  try {
    for (let turn = 0; turn < SCREEN_SECONDS; turn += 1) {
      await delay(1_000);
      const { stdout } = await tmux("capture-pane", "-p", ...(isColoured ? ["-e"] : []));
      // Its last label: then all of it is there.
      if (stdout.includes("findings  "))
        return `$ kimtest infra-status --stack dev\n${stdout.trimEnd()}${isColoured ? "\u001b[0m" : ""}\n`;
    }
    throw new Error(`nothing was shown at ${String(columns)} columns`);
  } finally {
    await tmux("kill-server");
  }
}
