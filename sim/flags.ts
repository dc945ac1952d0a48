/** The flags of vopr as data: what takes a value, what is refused, what is printed again with a failing seed. */

export const DEFAULT_ITERATIONS = 100;
export const DEFAULT_MAX_BUNDLES = 100;
export const DEFAULT_TRACE_MAX_MEBIBYTES = 1_024;

/** Features of Kimberlite's binary that this simulator does not have. */
export const UNSUPPORTED_COMMANDS = ["stats", "dashboard", "tui"];

/** Commands that are given a bundle. */
export const BUNDLE_COMMANDS = ["repro", "show", "timeline", "bisect", "minimize"] as const;
export type BundleCommandName = (typeof BUNDLE_COMMANDS)[number];

/** Flags that take a value. */
export const VALUE_FLAGS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "-s": "--seed",
    "--seed": "--seed",
    "-n": "--iterations",
    "--iterations": "--iterations",
    "-f": "--faults",
    "--faults": "--faults",
    "--scenario": "--scenario",
    "--max-events": "--max-events",
    "--max-time": "--max-time",
    "--checkpoint-file": "--checkpoint-file",
    "--workload-ops-per-tick": "--workload-ops-per-tick",
    "--workload-tick-ms": "--workload-tick-ms",
    "--enable-invariant": "--enable-invariant",
    "--disable-invariant": "--disable-invariant",
    "--canary": "--canary",
    "--trace-out": "--trace-out",
    "--bundle-out": "--bundle-out",
    "--max-bundles": "--max-bundles",
    "--max-bundles-per-invariant": "--max-bundles-per-invariant",
    "--trace-filter": "--trace-filter",
    "--coverage-threshold": "--coverage-threshold",
    "--min-fault-coverage": "--min-fault-coverage",
    "--min-invariant-coverage": "--min-invariant-coverage",
    "--trace-format": "--trace-format",
    "--trace-events": "--trace-events",
    "--trace-max-mebibytes": "--trace-max-mebibytes",
  }),
);

/** Flags that change what a seed does; the others change what is printed or kept. */
export const NOT_IN_REPRO = new Set([
  "--seed",
  "--iterations",
  "--checkpoint-file",
  "--json",
  "--verbose",
  "--enable-trace",
  "--no-trace-on-failure",
  "--trace-out",
  "--trace-filter",
  "--trace-format",
  "--trace-events",
  "--trace-max-mebibytes",
  "--bundle-out",
  "--coverage-threshold",
  "--min-fault-coverage",
  "--min-invariant-coverage",
  "--require-all-invariants",
  "--max-bundles",
  "--max-bundles-per-invariant",
]);

/** What a value looks like, for the hint when it is missing. */
export const EXAMPLES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "--seed": "--seed 17",
    "--iterations": "-n 100",
    "--faults": "--faults network,storage",
    "--scenario": "--scenario combined",
    "--checkpoint-file": "--checkpoint-file checkpoint.json",
    "--coverage-threshold": "--coverage-threshold nightly",
  }),
);
