/** `kimtest test-infra-smoke`: before deploying, does every program of a profile do its work on this machine? */
import { Command } from "@commander-js/extra-typings";
import { EXIT } from "../../contracts/errors.ts";
import type { SmokeReport } from "../../contracts/smoke.ts";
import type { Verdict } from "../../contracts/verdict.ts";
import { WORKLOADS, type Workload } from "../../contracts/workloads.ts";
import type { Smoke } from "../../runner/smoke/smoke.ts";
import type { CliDeps } from "../deps.ts";
import type { Fields } from "../fields.ts";
import type { TestedOptions } from "../tested.ts";
import { parseDuration } from "../typed-times.ts";
import {
  branchOption,
  fieldsOption,
  jsonOption,
  onlyOption,
  profileOption,
  repoOption,
  workersOption,
} from "./options.ts";

interface SmokeCommandOptions extends TestedOptions {
  readonly only?: readonly Workload[] | undefined;
  readonly limit?: number | undefined;
  readonly checkLimit?: number | undefined;
  readonly workers?: number | undefined;
  readonly keep?: true | undefined;
  readonly json?: true | undefined;
  readonly fields?: string | undefined;
}

const LIMIT_MS = 2 * 3_600_000;
const CHECK_LIMIT_MS = 15 * 60_000;
/** The folder is removed: nobody waits for what is on its way into it. */
const CLOSE_MS = 2_000;
const END_MS = 1_000;

const HELP = `
vopr: 5 seeds of every scenario, once with the determinism check, and the planted bug. fuzz: every target built, run
for a few seconds, and the planted bug. formal-verification: the tool of every check (for a container, Docker and the
image, which is pulled or built) and the planted bug; an exploration whole. benchmarks: every suite, quickly.
A missing tool is inconclusive, never passed. What fails here is a finding, but is not archived: kimtest phase does it.

All of it happens in a temporary folder (below TMPDIR), the clone and the builds of a profile with a repository too;
it is removed unless --keep is given. A profile with a work tree is tested, and built, where it lies. AWS is not looked
at: kimtest doctor --stack NAME does. --json: docs/schemas/SmokeReport.json.
Exit code 0: all passed; 1: something failed; 6: nothing failed, but something could not be shown.

Examples:
  kimtest test-infra-smoke
  kimtest test-infra-smoke --only fuzz,vopr --json | jq '.checks[] | select(.verdict != "passed")'
  kimtest test-infra-smoke --profile kimberlite --repo ../kimberlite --branch main --keep`;

export function testInfraSmokeCommand(deps: CliDeps) {
  return new Command("test-infra-smoke")
    .description("Check before deploying that every program of a profile works here: a little of each workload.")
    .addOption(profileOption())
    .addOption(repoOption())
    .addOption(branchOption())
    .addOption(onlyOption())
    .option("--limit <time>", "for the whole: 10m, 2h (default: 2h)", parseDuration("--limit"))
    .option("--check-limit <time>", "for each check (default: 15m)", parseDuration("--check-limit"))
    .addOption(workersOption())
    .option("--keep", "keep the temporary folder, with logs, clone and builds")
    .addOption(jsonOption())
    .addOption(fieldsOption())
    .addHelpText("after", HELP)
    .action(async (options) => {
      await testInfraSmoke(options, deps);
    });
}

async function testInfraSmoke(options: SmokeCommandOptions, deps: CliDeps): Promise<void> {
  const [{ mkdtemp, rm }, os, path, { settled }, { readTested }, { fieldsOf }, { smokeReportSchema }] =
    await Promise.all([
      import("node:fs/promises"),
      import("node:os"),
      import("node:path"),
      import("../../runner/profiles/load.ts"),
      import("../tested.ts"),
      import("../fields.ts"),
      import("../../contracts/smoke.ts"),
    ]);
  const fields = fieldsOf(options.fields, smokeReportSchema);
  const tested = await readTested(options, deps.here.folder);
  const { stop } = deps;
  const startedMs = deps.now();
  const folder = await mkdtemp(path.join(os.tmpdir(), "kimtest-smoke-"));
  const state = path.join(folder, "state");
  let smoke: Smoke;
  try {
    smoke = await runIn({ profile: settled(tested, state), state, store: path.join(folder, "store") }, options, deps);
  } finally {
    if (options.keep !== true) await rm(folder, { recursive: true, force: true });
    if (stop.aborted) deps.endWithin(END_MS);
  }
  const kept = options.keep === true ? folder : null;
  const report = reportOf(smoke, startedMs, deps.now(), kept);
  await print(report, options, fields, deps);
  deps.setExitCode(stop.aborted ? EXIT.interrupted : EXIT_OF[report.verdict]);
}

interface Place {
  readonly profile: Smoke["profile"];
  readonly state: string;
  readonly store: string;
}

async function runIn({ profile, state, store }: Place, options: SmokeCommandOptions, deps: CliDeps): Promise<Smoke> {
  const [{ openRunner }, { runSmoke }, { openSmokeProgress }] = await Promise.all([
    import("../../runner/open-runner.ts"),
    import("../../runner/smoke/run-smoke.ts"),
    import("../smoke-progress.ts"),
  ]);
  const runner = await openRunner({ store, stateFolder: state, notifier: { notify: () => Promise.resolve() } });
  const watcher = await openSmokeProgress(deps);
  try {
    return await runSmoke(runner.dependencies, {
      profile,
      only: options.only ?? WORKLOADS,
      workers: options.workers ?? runner.dependencies.toolchain.cores,
      limitMs: options.limit ?? LIMIT_MS,
      checkLimitMs: options.checkLimit ?? CHECK_LIMIT_MS,
      signal: deps.stop,
      watcher,
    });
  } finally {
    watcher.close();
    await runner.close(CLOSE_MS);
  }
}

const EXIT_OF = {
  passed: EXIT.ok,
  failed: EXIT.failuresFound,
  inconclusive: EXIT.inconclusive,
} as const satisfies Record<Verdict, number>;

function reportOf(smoke: Smoke, startedMs: number, endedMs: number, kept: string | null): SmokeReport {
  const { checks, warnings, profile, dependencies, state } = smoke;
  const count = (verdict: Verdict): number => checks.filter((check) => check.verdict === verdict).length;
  const [failed, inconclusive] = [count("failed"), count("inconclusive")];
  const isWhole = checks.length > 0 && !smoke.signal.aborted;
  return {
    profile: profile.name,
    git_commit: state.get().git_commit,
    architecture: dependencies.toolchain.architecture,
    started_at: new Date(startedMs).toISOString(),
    elapsed_seconds: (endedMs - startedMs) / 1_000,
    verdict: failed > 0 ? "failed" : inconclusive > 0 || !isWhole ? "inconclusive" : "passed",
    passed: count("passed"),
    failed,
    inconclusive,
    checks,
    warnings,
    kept,
  };
}

async function print(report: SmokeReport, options: SmokeCommandOptions, fields: Fields, deps: CliDeps): Promise<void> {
  const [{ jsonText }, { checkTable }, { nameOf, tally }] = await Promise.all([
    import("../json.ts"),
    import("../check-table.ts"),
    import("../smoke-progress.ts"),
  ]);
  if (options.json === true || options.fields !== undefined) deps.out(jsonText(fields.pick(report)));
  else {
    const { green, yellow, red } = await deps.colours("stdout");
    const rows = report.checks.map((check) => ({
      result: check.verdict,
      name: nameOf(check),
      what: `${check.what} (${check.seconds.toFixed(1)} s)`,
      fix: check.hint,
    }));
    deps.out(checkTable(rows, { passed: green, inconclusive: yellow, failed: red }));
  }
  if (report.kept !== null) deps.err(`kept in ${report.kept}\n`);
  deps.err(`${deps.stop.aborted ? "interrupted: " : ""}${tally(report)}\n`);
}
