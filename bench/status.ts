/**
 * infra-status beside a shell script that asks the same five things with the AWS CLI: the machine, its spot request, the
 * alarms, the subscription, the digest. Both against one emulator; infra-status asks four things more.
 *
 * The AWS CLI is `aws` on PATH, or what KIMTEST_BENCH_AWS names: a version manager's wrapper would add its own time.
 */
import { execa } from "execa";
import { deployStack, stored } from "../cli/status/deployed.fixture.ts";
import { cycleState, richDigest } from "../runner/phases/digest/samples.fixture.ts";
import { startMoto } from "../test/aws/moto.ts";
import { distPath, median, report, timed } from "./measure.ts";

const RUNS = 7;
const AIM = 0.2;
const VERSION_TIMEOUT_MS = 20_000;

export async function benchStatus(): Promise<void> {
  const aws = process.env["KIMTEST_BENCH_AWS"] ?? "aws";
  const { exitCode, stdout, stderr } = await execa(aws, ["--version"], { reject: false, timeout: VERSION_TIMEOUT_MS });
  const version = `${stdout}${stderr}`.split(" ")[0] ?? "";
  const moto = await startMoto();
  try {
    const parts = await deployStack(stored(cycleState(), richDigest()));
    const ours = [process.execPath, distPath("kimtest.js"), "infra-status", "--stack", "dev", "--json"];
    await timed(ours); // fills the compile cache, as any first use does
    if (exitCode !== 0) {
      const alone = median(await repeated(async () => (await timed(ours)).seconds));
      report("infra-status / the same five look-ups by aws", `${(alone * 1000).toFixed(0)} ms; no aws CLI, no ratio`);
      return;
    }
    const script = [
      "export AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=",
      `${aws} ec2 describe-instances --instance-ids ${parts.instance_id}`,
      `${aws} ec2 describe-spot-instance-requests --filters Name=instance-id,Values=${parts.instance_id}`,
      `${aws} cloudwatch describe-alarms --alarm-names ${parts.alarms.join(" ")}`,
      `${aws} sns list-subscriptions-by-topic --topic-arn ${parts.sns_topic}`,
      `${aws} s3 cp s3://${parts.s3_bucket}/digests/latest.json -`,
    ].join(" && ");
    const theirs = ["sh", "-c", script];
    const pairs = await repeated(async () => {
      const one = await timed(ours);
      const other = await timed(theirs);
      if (one.exitCode !== 0 || other.exitCode !== 0)
        throw new Error(`one of them failed: ${one.stdout}${other.stdout}`);
      return { ours: one.seconds, theirs: other.seconds };
    });
    const ratio = median(pairs.map((pair) => pair.ours / pair.theirs));
    const ms = (seconds: number[]): string => `${(median(seconds) * 1000).toFixed(0)} ms`;
    const detail = `(${ms(pairs.map((pair) => pair.ours))} against ${ms(pairs.map((pair) => pair.theirs))}, ${version})`;
    report("infra-status / the same five look-ups by aws", `${ratio.toFixed(3)} x ${detail}`, {
      text: `<= ${String(AIM)}`,
      met: ratio <= AIM,
    });
  } finally {
    await moto.stop();
  }
}

async function repeated<T>(run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let count = 0; count < RUNS; count += 1) results.push(await run());
  return results;
}
