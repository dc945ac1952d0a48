/** `kimtest bench-baseline`: the levels that benchmarks are held against; a person accepts new ones, better or worse. */
import { Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import type { StoredBenchmarks } from "../benchmarks.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import type { CliDeps } from "../deps.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

interface BenchBaselineOptions extends ResultsChoice {
  readonly json?: true | undefined;
  readonly accept?: string[] | undefined;
  readonly all?: true | undefined;
}

export function benchBaselineCommand(deps: CliDeps) {
  return readingCommand("bench-baseline")
    .description("Show the levels that benchmarks are held against, or accept new ones.")
    .addOption(jsonOption())
    .addOption(new Option("--accept <benchmarks...>", "accept the newest level of these").conflicts("all"))
    .addOption(new Option("--all", "accept the newest level of every benchmark"))
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest bench-baseline --stack dev\n  kimtest bench-baseline --accept blake3_hash/64 chain_hash/1024 --store s3://my-results",
    )
    .action((options) => benchBaseline(options, deps));
}

export async function benchBaseline(options: BenchBaselineOptions, deps: CliDeps): Promise<void> {
  const [bench, { printableData }, { jsonText }] = await Promise.all([
    import("../benchmarks.ts"),
    import("../../runner/phases/digest/printable.ts"),
    import("../json.ts"),
  ]);
  await withResults(options, deps, async (store) => {
    const now = new Date(deps.now()).toISOString();
    const found = await bench.readBenchmarks(store, deps);
    const names = options.all === true ? acceptable(found) : (options.accept ?? []);
    const stored = names.length === 0 ? found : await accept(store, found, names, now);
    const lines = await bench.benchmarkLines(stored, now);
    const { machine } = found.report.run;
    if (options.json) {
      deps.out(jsonText({ store: store.url, machine, accepted: names, levels: lines }));
      return;
    }
    const shown = printableData({ machine, names, lines });
    const rows = shown.lines.map(({ benchmark, accepted, newest, ratio, open }) => [
      benchmark,
      bench.timeText(accepted?.level_ns),
      accepted === null ? "-" : accepted.promoted_at.slice(0, 10),
      accepted === null ? "-" : accepted.promoted_by,
      bench.timeText(newest?.level_ns),
      bench.changeText(ratio),
      open ? "slower" : "",
    ]);
    const text = [
      bench.machineText(shown.machine),
      "",
      ...bench.table([["benchmark", "accepted", "on", "by", "newest level", "change", ""], ...rows]),
    ];
    deps.out(`${text.join("\n")}\n`);
    for (const name of shown.names) deps.err(`accepted: ${name}\n`);
  });
}

/** Those with a run that counts. */
function acceptable({ report }: StoredBenchmarks): string[] {
  const names = report.series.flatMap(({ series }) => (series.points.length === 0 ? [] : series.benchmark));
  if (names.length > 0) return names;
  throw new KimtestError("NOT_FOUND", "no run counts: the machine was never quiet", {
    hint: "`kimtest infra-bench` says what was loud",
  });
}

/** All of them or none. */
async function accept(
  store: ObjectStore,
  { runs, report }: StoredBenchmarks,
  names: readonly string[],
  now: string,
): Promise<StoredBenchmarks> {
  const [{ withReport }, { acceptLevels }, { changeBaseline }] = await Promise.all([
    import("../benchmarks.ts"),
    import("../../runner/statistics/baseline.ts"),
    import("../../runner/triage/benchmark-store.ts"),
  ]);
  const baseline = await changeBaseline(store, (current) => {
    const { baseline: next, kept } = acceptLevels(report, current, names, now);
    if (kept.size === 0) return next;
    const reasons = [...kept].map(([name, reason]) => `  ${name}: ${reason}`);
    throw new KimtestError("NOT_FOUND", `nothing was accepted:\n${reasons.join("\n")}`, {
      hint: "`kimtest bench-baseline` lists the benchmarks",
    });
  });
  return withReport(runs, baseline);
}
