import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  NO_THRESHOLDS,
  THRESHOLD_PROFILES,
  coverageChecks,
  coverageChecksText,
  coverageValidationText,
  validateCoverage,
  type CoverageThresholds,
} from "./coverage-thresholds.ts";
import { coverageReportSchema, coverageValidationSchema, type CoverageReport, type CoverageViolation } from "./vopr.ts";

const { smoke, default: usual, nightly } = THRESHOLD_PROFILES;

/** Just enough for these thresholds: every number is the smallest that meets them. */
function justEnough(thresholds: CoverageThresholds): CoverageReport {
  const total = 20;
  const hit = Math.ceil(thresholds.faultPointCoverageMin * total);
  const points = Array.from({ length: total }, (_, index) => thresholds.criticalFaultPoints[index] ?? `other.${index}`);
  return {
    total_fault_points: total,
    fault_points_hit: hit,
    hit_fault_points: points.slice(0, hit),
    missed_fault_points: points.slice(hit),
    invariant_executions: Object.fromEntries(thresholds.requiredInvariants.map((name) => [name, 10])),
    missed_invariants: [],
    view_changes: thresholds.minViewChanges,
    repairs: thresholds.minRepairs,
    unique_query_plans: thresholds.minUniqueQueryPlans,
    phase_events: { ...thresholds.minPhaseEvents },
    total_events: 1,
    simulation_time_ns: 1,
  };
}

const EMPTY: CoverageReport = {
  total_fault_points: 0,
  fault_points_hit: 0,
  hit_fault_points: [],
  missed_fault_points: [],
  invariant_executions: {},
  missed_invariants: [],
  view_changes: 0,
  repairs: 0,
  unique_query_plans: 0,
  phase_events: {},
  total_events: 0,
  simulation_time_ns: 0,
};

const kindsOf = (report: CoverageReport, thresholds: CoverageThresholds): CoverageViolation["kind"][] =>
  validateCoverage(report, thresholds).violations.map(({ kind }) => kind);

describe("the profiles", () => {
  test("default is reasonable", () => {
    expect(usual.faultPointCoverageMin).toBe(0.8);
    expect(usual.criticalFaultPoints).toEqual([
      "sim.storage.fsync",
      "sim.storage.write",
      "sim.storage.read",
      "sim.network.send",
    ]);
    expect(usual.requiredInvariants).toEqual([
      "linearizability",
      "hash_chain",
      "replica_consistency",
      "storage_determinism",
      "vsr_agreement",
      "projection_applied_position_monotonic",
    ]);
    expect([usual.minViewChanges, usual.minRepairs, usual.minUniqueQueryPlans]).toEqual([1, 0, 5]);
    expect(usual.minPhaseEvents).toEqual({
      "vsr.prepare_sent": 10,
      "vsr.commit_broadcast": 5,
      "storage.fsync_complete": 10,
    });
  });

  test("smoke asks for less", () => {
    expect(smoke).toEqual({
      faultPointCoverageMin: 0.5,
      criticalFaultPoints: ["sim.storage.fsync", "sim.network.send"],
      invariantCoverageMin: 0,
      requiredInvariants: ["linearizability", "hash_chain"],
      minViewChanges: 0,
      minRepairs: 0,
      minUniqueQueryPlans: 1,
      minPhaseEvents: {},
    });
  });

  test("nightly asks for more", () => {
    expect(nightly.faultPointCoverageMin).toBe(0.9);
    expect(nightly.criticalFaultPoints).toEqual([
      ...usual.criticalFaultPoints,
      ...["sim.storage.crash", "sim.network.deliver", "sim.network.partition"],
    ]);
    expect(nightly.requiredInvariants.toSorted()).toEqual(
      [
        ...["linearizability", "hash_chain", "replica_consistency", "storage_determinism", "vsr_agreement"],
        ...["vsr_prefix_property", "vsr_view_change_safety", "vsr_recovery_safety", "sql_norec_equivalence"],
        ...["projection_applied_position_monotonic", "projection_mvcc_visibility", "sql_tlp_partitioning"],
        "projection_applied_index_integrity",
      ].sort(),
    );
    expect([nightly.minViewChanges, nightly.minRepairs, nightly.minUniqueQueryPlans]).toEqual([5, 2, 20]);
    expect(nightly.minPhaseEvents).toEqual({
      "vsr.prepare_sent": 100,
      "vsr.commit_broadcast": 50,
      "vsr.view_change_complete": 5,
      "storage.fsync_complete": 100,
      "storage.repair_complete": 2,
    });
  });

  test.each(Object.entries(THRESHOLD_PROFILES))("%s: just enough passes, without a warning", (_, thresholds) => {
    expect(validateCoverage(justEnough(thresholds), thresholds)).toEqual({
      passed: true,
      violations: [],
      warnings: [],
    });
  });

  test.each(Object.entries({ ...THRESHOLD_PROFILES, none: NO_THRESHOLDS }))("%s: no data fails", (_, thresholds) => {
    const { passed, violations } = validateCoverage(EMPTY, thresholds);
    expect(passed).toBe(false);
    expect(violations[0]).toEqual({
      kind: "NoData",
      message: "Nothing was simulated",
      expected: "At least 1",
      actual: "0",
    });
    // Every single number that was asked for is named.
    expect(violations.length).toBe(coverageChecks(EMPTY, thresholds).length);
  });
});

describe("what is lacking", () => {
  const enough = justEnough(nightly);
  const table: [CoverageViolation["kind"], Partial<CoverageReport>, Partial<CoverageViolation>][] = [
    ["FaultPointCoverage", { fault_points_hit: 17 }, { expected: "90.0%", actual: "85.0% (17 of 20)" }],
    ["FaultPointCoverage", { fault_points_hit: 0, total_fault_points: 0 }, { actual: "No data" }],
    [
      "CriticalFaultPointMissed",
      { hit_fault_points: enough.hit_fault_points.filter((name) => name !== "sim.storage.fsync") },
      { message: "Critical fault point 'sim.storage.fsync' was never hit", actual: "Never hit" },
    ],
    [
      "InvariantNotExecuted",
      { invariant_executions: { ...enough.invariant_executions, hash_chain: 0 } },
      { message: "Required invariant 'hash_chain' never executed", actual: "Never executed" },
    ],
    ["InsufficientViewChanges", { view_changes: 4 }, { expected: "At least 5", actual: "4" }],
    ["InsufficientRepairs", { repairs: 1 }, { expected: "At least 2", actual: "1" }],
    ["InsufficientQueryPlans", { unique_query_plans: 19 }, { expected: "At least 20", actual: "19" }],
    [
      "InsufficientPhaseEvents",
      { phase_events: { ...enough.phase_events, "vsr.prepare_sent": 99 } },
      { message: "Not enough 'vsr.prepare_sent' events occurred", expected: "At least 100", actual: "99" },
    ],
    ["NoData", { total_events: 0 }, { message: "Nothing was simulated" }],
  ];
  test.each(table)("%s", (kind, change, violation) => {
    const { passed, violations, warnings } = validateCoverage({ ...enough, ...change }, nightly);
    expect([passed, warnings]).toEqual([false, []]);
    expect(violations).toEqual([expect.objectContaining({ kind, ...violation })]);
  });

  test("a required invariant that nobody counts, and a phase that is not there", () => {
    const { linearizability = 0 } = enough.invariant_executions;
    const others = nightly.requiredInvariants.slice(2).map((name) => [name, 10]);
    const executions = { linearizability, ...Object.fromEntries(others) } as Record<string, number>;
    expect(kindsOf({ ...enough, invariant_executions: executions, phase_events: {} }, nightly)).toEqual([
      "InvariantNotExecuted",
      ...Object.keys(nightly.minPhaseEvents).map(() => "InsufficientPhaseEvents"),
    ]);
  });

  test("coverage of invariants: of all that are counted, executed or not", () => {
    const thresholds = { ...NO_THRESHOLDS, invariantCoverageMin: 0.75 };
    const report = { ...EMPTY, total_events: 1, invariant_executions: { a: 1, b: 1, c: 1, d: 0 } };
    expect(kindsOf(report, thresholds)).toEqual([]);
    expect(kindsOf({ ...report, invariant_executions: { a: 1, b: 1, c: 0, d: 0 } }, thresholds)).toEqual([
      "InvariantCoverage",
    ]);
    expect(kindsOf({ ...report, invariant_executions: {} }, thresholds)).toEqual(["InvariantCoverage"]);
  });

  test("little is a warning, and passes", () => {
    const executions = { ...enough.invariant_executions, linearizability: 5 };
    expect(validateCoverage({ ...enough, invariant_executions: executions }, nightly)).toEqual({
      passed: true,
      violations: [],
      warnings: ["Invariant 'linearizability' executed only 5 times"],
    });
  });

  test("more never lowers it", () => {
    const number = fc.nat({ max: 200 });
    fc.assert(
      fc.property(number, number, number, fc.nat({ max: 9 }), (view_changes, repairs, plans, more) => {
        const report = { ...enough, view_changes, repairs, unique_query_plans: plans };
        const better = {
          ...report,
          view_changes: view_changes + more,
          repairs: repairs + more,
          unique_query_plans: plans + more,
        };
        expect(kindsOf(report, nightly)).toEqual(expect.arrayContaining(kindsOf(better, nightly)));
      }),
    );
  });
});

describe("as text", () => {
  test("passed", () => {
    expect(coverageValidationText({ passed: true, violations: [], warnings: [] })).toBe("Coverage validation PASSED\n");
  });

  test("failed, with its warnings", () => {
    const report = { ...justEnough(usual), view_changes: 0, repairs: 0 };
    report.invariant_executions["hash_chain"] = 3;
    expect(coverageValidationText(validateCoverage(report, usual))).toBe(
      [
        "Coverage validation FAILED",
        "",
        "Violations:",
        "  1. Not enough view changes occurred (expected: At least 1, actual: 0)",
        "",
        "Warnings:",
        "  Invariant 'hash_chain' executed only 3 times",
        "",
      ].join("\n"),
    );
  });

  test("every number beside the other", () => {
    const report = { ...justEnough(smoke), hit_fault_points: [] };
    expect(coverageChecksText(coverageChecks(report, smoke))).toBe(
      [
        "threshold           expected                actual",
        "simulated events    At least 1              1                  met",
        "fault points        50.0%                   50.0% (10 of 20)   met",
        "sim.storage.fsync   Hit at least once       Never hit          NOT MET",
        "sim.network.send    Hit at least once       Never hit          NOT MET",
        "linearizability     Executed at least once  Executed 10 times  met",
        "hash_chain          Executed at least once  Executed 10 times  met",
        "unique query plans  At least 1              1                  met",
        "",
      ].join("\n"),
    );
  });
});

test("report and result survive JSON", () => {
  const report = justEnough(nightly);
  const result = validateCoverage({ ...report, repairs: 0 }, nightly);
  expect(coverageReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  expect(coverageValidationSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
});
