/** `kimtest infra-bench`: the newest benchmark run, held against its history and the accepted levels. */
import type { CliDeps } from "../deps.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

interface InfraBenchOptions extends ResultsChoice {
  readonly json?: true | undefined;
}

export function infraBenchCommand(deps: CliDeps) {
  return readingCommand("infra-bench")
    .description("Show the newest benchmark run and what the history says of it.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest infra-bench --stack dev\n  kimtest infra-bench --store s3://my-results --json | jq .comparison.changes",
    )
    .action((options) => infraBench(options, deps));
}

export async function infraBench(options: InfraBenchOptions, deps: CliDeps): Promise<void> {
  const [
    bench,
    { comparisonOf },
    { benchmarkSummary, changeLines },
    { printableData },
    { wrapped, MARK },
    { jsonText },
  ] = await Promise.all([
    import("../benchmarks.ts"),
    import("../../runner/statistics/comparison.ts"),
    import("../../runner/phases/digest/benchmark-lines.ts"),
    import("../../runner/phases/digest/printable.ts"),
    import("../../runner/phases/digest/layout.ts"),
    import("../json.ts"),
  ]);
  await withResults(options, deps, async (store) => {
    const stored = await bench.readBenchmarks(store, deps);
    const { run } = stored.report;
    const lines = await bench.benchmarkLines(stored, new Date(deps.now()).toISOString());
    const comparison = comparisonOf(stored.report);
    if (options.json) {
      deps.out(jsonText({ store: store.url, run, comparison, benchmarks: lines }));
      return;
    }
    const shown = printableData({ run, comparison, lines });
    const { machine, compiler, git_commit: commit, cycle, started_at: at, problems } = shown.run;
    const { quiet, quiet_reason: why, verdict, reason } = shown.comparison;
    const text = [
      ...wrapped(`newest run  ${at}, cycle ${String(cycle)}, commit ${commit.slice(0, 12)}`, 12),
      ...wrapped(`machine     ${bench.machineText(machine)}; ${compiler ?? "compiler not known"}`, 12),
      ...wrapped(`quiet       ${quiet === "unknown" ? "not known" : quiet}${why === null ? "" : `: ${why}`}`, 12),
      ...wrapped(`history     ${benchmarkSummary(shown.comparison)}`, 12),
      `verdict     ${MARK[verdict]}`,
      // A failure is its changes, which follow.
      ...(verdict === "failed" ? [] : (reason?.split("; ") ?? [])).flatMap((one) => wrapped(`  ! ${one}`, 4)),
      ...changeLines(shown.comparison),
      "",
      ...bench.table([
        ["benchmark", "newest run", "level", "noise", "accepted", "change"],
        ...shown.lines.map(({ benchmark, median_ns: median, newest, accepted, noise, ratio }) => [
          benchmark,
          bench.timeText(median),
          bench.timeText(newest?.level_ns),
          noise === null ? "-" : `${(noise * 100).toFixed(1)} %`,
          bench.timeText(accepted?.level_ns),
          bench.changeText(ratio),
        ]),
      ]),
      ...(problems.length === 0 ? [] : ["", "not measured:"]),
      ...problems.flatMap(({ benchmark, reason: problem }) => wrapped(`  ${benchmark}: ${problem}`, 4)),
    ];
    deps.out(`${text.join("\n")}\n`);
  });
}
