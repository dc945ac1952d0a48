/**
 * What a run must have exercised for its green to count: three profiles of thresholds, and the comparison of
 * a coverage report with one of them. Pure, and without a schema library: the simulator loads it at its start.
 *
 * Numbers and names are those of Kimberlite's design (kimberlite-sim/src/coverage_thresholds.rs). No data
 * meets no threshold.
 */
import type { CoverageReport, CoverageValidation, CoverageViolation } from "./vopr.ts";

export interface CoverageThresholds {
  /** Share of all fault points, 0 to 1. */
  readonly faultPointCoverageMin: number;
  /** Each must have been hit. */
  readonly criticalFaultPoints: readonly string[];
  /** Share of all invariants that must have been executed, 0 to 1. */
  readonly invariantCoverageMin: number;
  /** Each must have been executed. */
  readonly requiredInvariants: readonly string[];
  readonly minViewChanges: number;
  readonly minRepairs: number;
  readonly minUniqueQueryPlans: number;
  /** By name with dots: `vsr.prepare_sent`. */
  readonly minPhaseEvents: Readonly<Record<string, number>>;
}

/** Asks for nothing but that something was simulated. */
export const NO_THRESHOLDS: CoverageThresholds = {
  faultPointCoverageMin: 0,
  criticalFaultPoints: [],
  invariantCoverageMin: 0,
  requiredInvariants: [],
  minViewChanges: 0,
  minRepairs: 0,
  minUniqueQueryPlans: 0,
  minPhaseEvents: {},
};

const SMOKE: CoverageThresholds = {
  ...NO_THRESHOLDS,
  faultPointCoverageMin: 0.5,
  criticalFaultPoints: ["sim.storage.fsync", "sim.network.send"],
  requiredInvariants: ["linearizability", "hash_chain"],
  minUniqueQueryPlans: 1,
};

const DEFAULT: CoverageThresholds = {
  ...NO_THRESHOLDS,
  faultPointCoverageMin: 0.8,
  criticalFaultPoints: ["sim.storage.fsync", "sim.storage.write", "sim.storage.read", "sim.network.send"],
  requiredInvariants: [
    ...SMOKE.requiredInvariants,
    "replica_consistency",
    "storage_determinism",
    "vsr_agreement",
    "projection_applied_position_monotonic",
  ],
  minViewChanges: 1,
  minUniqueQueryPlans: 5,
  minPhaseEvents: { "vsr.prepare_sent": 10, "vsr.commit_broadcast": 5, "storage.fsync_complete": 10 },
};

const NIGHTLY: CoverageThresholds = {
  ...NO_THRESHOLDS,
  faultPointCoverageMin: 0.9,
  criticalFaultPoints: [
    ...DEFAULT.criticalFaultPoints,
    "sim.storage.crash",
    "sim.network.deliver",
    "sim.network.partition",
  ],
  requiredInvariants: [
    ...DEFAULT.requiredInvariants,
    "vsr_prefix_property",
    "vsr_view_change_safety",
    "vsr_recovery_safety",
    "projection_mvcc_visibility",
    "projection_applied_index_integrity",
    "sql_tlp_partitioning",
    "sql_norec_equivalence",
  ],
  minViewChanges: 5,
  minRepairs: 2,
  minUniqueQueryPlans: 20,
  minPhaseEvents: {
    "vsr.prepare_sent": 100,
    "vsr.commit_broadcast": 50,
    "vsr.view_change_complete": 5,
    "storage.fsync_complete": 100,
    "storage.repair_complete": 2,
  },
};

/** By the name that `--coverage-threshold` takes. */
export const THRESHOLD_PROFILES = { smoke: SMOKE, default: DEFAULT, nightly: NIGHTLY } as const;
export type ThresholdProfile = keyof typeof THRESHOLD_PROFILES;

/** One number compared. */
export interface CoverageCheck {
  readonly kind: CoverageViolation["kind"];
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly met: boolean;
  /** What to say when it is not met. */
  readonly message: string;
}

/** Every number that the thresholds ask for, beside that of the report. */
export function coverageChecks(report: CoverageReport, thresholds: CoverageThresholds): CoverageCheck[] {
  const executions = Object.values(report.invariant_executions);
  return [
    atLeast(1, report.total_events, "NoData", "simulated events", "Nothing was simulated"),
    share(thresholds.faultPointCoverageMin, [report.fault_points_hit, report.total_fault_points], "FaultPointCoverage"),
    thresholds.criticalFaultPoints.map((name) => criticalFaultPoint(name, report.hit_fault_points.includes(name))),
    share(
      thresholds.invariantCoverageMin,
      [executions.filter((times) => times > 0).length, executions.length],
      "InvariantCoverage",
    ),
    thresholds.requiredInvariants.map((name) => requiredInvariant(name, report.invariant_executions[name] ?? 0)),
    atLeast(
      thresholds.minViewChanges,
      report.view_changes,
      "InsufficientViewChanges",
      "view changes",
      "Not enough view changes occurred",
    ),
    atLeast(thresholds.minRepairs, report.repairs, "InsufficientRepairs", "repairs", "Not enough repairs occurred"),
    atLeast(
      thresholds.minUniqueQueryPlans,
      report.unique_query_plans,
      "InsufficientQueryPlans",
      "unique query plans",
      "Not enough different query plans were executed",
    ),
    Object.entries(thresholds.minPhaseEvents).flatMap(([name, minimum]) =>
      atLeast(
        minimum,
        report.phase_events[name] ?? 0,
        "InsufficientPhaseEvents",
        name,
        `Not enough '${name}' events occurred`,
      ),
    ),
  ].flat();
}

/** Executed, but so seldom that it says little. */
const FEW_EXECUTIONS = 10;

export function validateCoverage(report: CoverageReport, thresholds: CoverageThresholds): CoverageValidation {
  const violations = coverageChecks(report, thresholds).flatMap(({ kind, message, expected, actual, met }) =>
    met ? [] : [{ kind, message, expected, actual }],
  );
  const warnings = thresholds.requiredInvariants.flatMap((name) => {
    const times = report.invariant_executions[name] ?? 0;
    return times > 0 && times < FEW_EXECUTIONS ? [`Invariant '${name}' executed only ${timesText(times)}`] : [];
  });
  return { passed: violations.length === 0, violations, warnings };
}

/** For people. */
export function coverageValidationText({ passed, violations, warnings }: CoverageValidation): string {
  const lines = [`Coverage validation ${passed ? "PASSED" : "FAILED"}`];
  if (violations.length > 0) lines.push("", "Violations:");
  violations.forEach(({ message, expected, actual }, index) => {
    lines.push(`  ${index + 1}. ${message} (expected: ${expected}, actual: ${actual})`);
  });
  if (warnings.length > 0) lines.push("", "Warnings:", ...warnings.map((warning) => `  ${warning}`));
  return `${lines.join("\n")}\n`;
}

/** Every number compared, as a table for people. */
export function coverageChecksText(checks: readonly CoverageCheck[]): string {
  const rows = [
    { what: "threshold", expected: "expected", actual: "actual", verdict: "" },
    ...checks.map(({ met, ...check }) => ({ ...check, verdict: met ? "met" : "NOT MET" })),
  ];
  const width = (column: "what" | "expected" | "actual"): number => Math.max(...rows.map((row) => row[column].length));
  const [what, expected, actual] = [width("what"), width("expected"), width("actual")];
  return rows
    .map((row) =>
      `${row.what.padEnd(what)}  ${row.expected.padEnd(expected)}  ${row.actual.padEnd(actual)}  ${row.verdict}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

type Kind = CoverageViolation["kind"];

/** No check at all where nothing is asked for. */
function atLeast(minimum: number, actual: number, kind: Kind, what: string, message: string): CoverageCheck[] {
  if (minimum === 0) return [];
  const expected = `At least ${grouped(minimum)}`;
  return [{ kind, what, expected, actual: grouped(actual), met: actual >= minimum, message }];
}

function share(minimum: number, [part, whole]: readonly [number, number], kind: Kind): CoverageCheck[] {
  if (minimum === 0) return [];
  const what = kind === "FaultPointCoverage" ? "fault points" : "invariants";
  const actual = whole === 0 ? "No data" : `${percent(part / whole)} (${part} of ${whole})`;
  const message = `Coverage of ${what} below threshold`;
  return [{ kind, what, expected: percent(minimum), actual, met: whole > 0 && part / whole >= minimum, message }];
}

function criticalFaultPoint(name: string, met: boolean): CoverageCheck {
  const message = `Critical fault point '${name}' was never hit`;
  const actual = met ? "Hit" : "Never hit";
  return { kind: "CriticalFaultPointMissed", what: name, expected: "Hit at least once", actual, met, message };
}

function requiredInvariant(name: string, times: number): CoverageCheck {
  const message = `Required invariant '${name}' never executed`;
  const actual = times === 0 ? "Never executed" : `Executed ${timesText(times)}`;
  const met = times > 0;
  return { kind: "InvariantNotExecuted", what: name, expected: "Executed at least once", actual, met, message };
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)}%`;
const timesText = (times: number): string => (times === 1 ? "once" : `${grouped(times)} times`);
const grouped = (number: number): string => number.toLocaleString("en-US");
