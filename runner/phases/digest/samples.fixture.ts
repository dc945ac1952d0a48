/** A cycle with something of everything, for tests of what is made of it. */
import type { BenchmarkComparison } from "../../../contracts/benchmark-comparison.ts";
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { CycleState, Sighting, VoprState } from "../../../contracts/cycle.ts";
import type { Digest } from "../../../contracts/digest.ts";
import type {
  BenchmarksResult,
  FormalVerificationResult,
  FuzzResult,
  PrepareResult,
  VoprResult,
} from "../../../contracts/results.ts";
import type { Finding } from "../../../contracts/registry.ts";
import type { Judgement } from "../../../contracts/verdict.ts";
import { buildDigest } from "./build.ts";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const AT = "2026-11-21T10:00:00.000Z";
const HOUR_MS = 3_600_000;

const passed: Judgement = { verdict: "passed", reason: null };
const frame = { cycle: 7, git_commit: COMMIT, started_at: AT, ended_at: AT, duration_seconds: 60 };
const toolchain = { node: "v24.0.0", platform: "linux", architecture: "x64", cpu: "test", cores: 2 };

export const canary = (found = true): CanaryResult => ({
  canary: "skip-fsync",
  found,
  found_in: found ? 12 : 0,
  runs: 60,
  at: AT,
  reason: found ? null : "none of 60 seeds failed",
});

/** What fast-check does not say. */
const EMBEDDED = { build_seconds: null, edges: null, corpus_inputs: null, corpus_minimized: null, log_key: null };

const comparison: BenchmarkComparison = {
  verdict: "passed",
  reason: null,
  runs_needed: 12,
  quiet: "yes",
  quiet_reason: null,
  series: [],
  changes: [],
  promoted: [],
};

export const results = {
  prepare: (judgement = passed): PrepareResult => ({
    phase: "prepare",
    ...judgement,
    ...frame,
    toolchain,
    versions: {},
    builds: [],
    red_commit: null,
    cannot_run: {},
    missing_scenarios: [],
    warnings: [],
  }),
  verification: (judgement = passed, found: CanaryResult | null = canary()): FormalVerificationResult => ({
    phase: "formal-verification",
    ...judgement,
    ...frame,
    tools: {
      explore: {
        ...judgement,
        duration_seconds: 60,
        states: 250_000,
        depth: 31,
        scope: "3 replicas",
        counterexample: null,
        log_key: null,
      },
    },
    runs: {},
    canary: found,
  }),
  benchmarks: (judgement = passed, found: CanaryResult | null = canary()): BenchmarksResult => ({
    phase: "benchmarks",
    ...judgement,
    ...frame,
    toolchain,
    benchmarks: [],
    runs: {},
    machine: { machine_type: "c7g.xlarge", cpu: "test", architecture: "arm64", cores: 2 },
    compiler: "Node.js v24.0.0",
    quietness: { load_average_before: 0.5, busy_share_before: 0.01, steal_share: 0 },
    comparison,
    canary: found,
  }),
  fuzz: (judgement = passed, found: CanaryResult | null = canary()): FuzzResult => ({
    phase: "fuzz",
    ...judgement,
    ...frame,
    targets: {
      json: {
        ...judgement,
        duration_seconds: 60,
        executions: 1_000,
        executions_per_second: 17,
        failure_keys: [],
        ...EMBEDDED,
      },
      lines: {
        ...judgement,
        duration_seconds: 60,
        executions: 2_345,
        executions_per_second: 39,
        failure_keys: [],
        ...EMBEDDED,
      },
    },
    canary: found,
  }),
  vopr: (judgement = passed, found: CanaryResult | null = canary(), change: Partial<VoprResult> = {}): VoprResult => ({
    phase: "vopr",
    ...judgement,
    ...frame,
    duration_seconds: 144_000,
    iterations: 1_234_567,
    failures_total: 3,
    workers: 8,
    batches: 4_000,
    throughput_sps: 8.57,
    scenarios: {
      baseline: { iterations: 234_567, failures: 0, cpu_seconds: 100_000, from_seed: 0n, next_seed: 234_567n },
      combined: {
        iterations: 1_000_000,
        failures: 3,
        cpu_seconds: 200_000,
        from_seed: 18_446_744_073_708_551_615n,
        next_seed: 18_446_744_073_709_551_615n,
      },
    },
    determinism_iterations: 60_000,
    inconclusive_seeds: 0,
    inconclusive: [],
    canary: found,
    ...change,
  }),
};

export function sighting(signature: string, change: Partial<Sighting> = {}): Sighting {
  return {
    signature,
    workload: "vopr",
    count: 3,
    first_at: AT,
    last_at: AT,
    seeds: [17n],
    message: "replicas 0 and 2 differ at op 41",
    repro: "npx kimtest vopr --scenario combined --seed 17 -n 1 -v",
    failure_key: "failures/vopr/seed-17-1763700000000.json",
    ...change,
  };
}

export function knownFinding(signature: string, change: Partial<Finding> = {}): Finding {
  const seen = { at: AT, cycle: 7, git_commit: COMMIT };
  return {
    signature,
    workload: "vopr",
    state: "new",
    first_seen: seen,
    last_seen: seen,
    count: 3,
    cycles: [{ cycle: 7, git_commit: COMMIT, count: 3, state_before: null }],
    seeds: [17n],
    message: "replicas 0 and 2 differ at op 41",
    repro: "npx kimtest vopr --scenario combined --seed 17 -n 1 -v",
    failure_key: "failures/vopr/seed-17-1763700000000.json",
    ...change,
  };
}

/** Of a phase that has just begun. */
export const voprState: VoprState = {
  open: [],
  waiting: [],
  scenarios: {},
  batches: 0,
  determinism_iterations: 0,
  inconclusive_seeds: 0,
  inconclusive: [],
  inconclusive_in_a_row: 0,
  rechecks: {},
  rechecks_planned: false,
  canary: null,
};

/** Cycle 7 of 48 hours, at its end, everything passed. */
export function cycleState(change: Partial<CycleState> = {}): CycleState {
  const { prepare, verification, benchmarks, fuzz, vopr } = results;
  return {
    version: 1,
    revision: 1,
    cycle: 7,
    status: "running",
    profile: "embedded",
    store_url: "/store",
    git_commit: COMMIT,
    started_at: "2026-11-19T10:00:00.000Z",
    updated_at: AT,
    budget_ms: 48 * HOUR_MS,
    phase: "digest",
    spent_ms: {
      prepare: HOUR_MS,
      "formal-verification": HOUR_MS,
      benchmarks: HOUR_MS,
      fuzz: 4 * HOUR_MS,
      vopr: 40 * HOUR_MS,
    },
    spent_before_attempt_ms: {},
    attempts: {},
    interruptions: 0,
    results: [prepare(), verification(), benchmarks(), fuzz(), vopr()],
    sightings: {},
    vopr: null,
    checkpoint: {
      last_seed: null,
      total_iterations: 0,
      total_failures: 0,
      failed_seeds: [],
      last_update: AT,
      cycle: 6,
      git_commit: null,
      scenarios: {},
      open: [],
    },
    last_batch_id: 0,
    interim_digest_at_ms: 0,
    outage_before_ms: 0,
    critical_sent_at: null,
    progress_at: AT,
    given_up: {},
    warnings: [],
    damage: [],
    unmerged: [],
    ...change,
  };
}

export function digestOf(
  state: CycleState,
  findings: readonly Finding[] = [],
  change: Partial<Parameters<typeof buildDigest>[0]> = {},
): Digest {
  return buildDigest({
    kind: "final",
    state,
    registry: {
      version: 1,
      updated_at: AT,
      findings: Object.fromEntries(findings.map((finding) => [finding.signature, finding])),
    },
    registryProblem: null,
    held: [],
    runningVopr: undefined,
    store: { url: "/store", unreachable_seconds: 0, waiting: 0 },
    refused: [],
    generatedAt: AT,
    ...change,
  });
}

const passedCheck = { ...passed, duration_seconds: 900, states: null, depth: null, scope: null, counterexample: null };
const target = { ...passed, duration_seconds: 3_600, executions_per_second: 5_012.4, failure_keys: [] };
const level = (benchmark: string, smallest: number) => ({
  benchmark,
  runs: 41,
  loud_runs: 2,
  noise: { level_ns: 58.1, relative_deviation: 0.01, smallest_detectable: smallest },
});

/** A repository with proofs, fuzz targets and benchmarks of its own, on a commit that is not the newest. */
export function repositoryDigest(): Digest {
  const { prepare, verification, benchmarks, fuzz, vopr } = results;
  const log = (phase: string, name: string): string => `cycles/000007/logs/${phase}/${name}.txt`;
  const slowdown = "+10.1 % (95 % interval +9.2 % to +11.0 %), after 1a2b3c4d5e6f and up to 6f5e4d3c2b1a";
  const changed = {
    ratio: 1.101,
    interval: { lower: 1.092, upper: 1.11, confidence: 0.95 },
    p: 1e-9,
    first_run_at: AT,
  };
  const commits = { after_commit: "1a2b3c4d5e6f", up_to_commit: "6f5e4d3c2b1a" };
  const unbuilt = "not built (exit code 101): error[E0432]: unresolved import `kimberlite_abac`";
  return digestOf(
    cycleState({
      profile: "kimberlite",
      results: [
        {
          ...prepare({ verdict: "inconclusive", reason: "the newest commit does not build" }),
          red_commit: "fedcba9876543210fedcba9876543210fedcba98",
          versions: {
            rustc: "rustc 1.88.0 (6b00bc388 2025-06-23)",
            java: 'openjdk version "21.0.8" 2025-07-15',
            ivy: null,
          },
          builds: [
            { name: "vopr", ...passed, duration_seconds: 2_900, log_key: log("prepare", "vopr") },
            {
              name: "benches",
              verdict: "inconclusive",
              reason: "exit code 101: error: could not compile `kimberlite-bench`",
              duration_seconds: 30,
              log_key: log("prepare", "benches"),
            },
          ],
        },
        {
          ...verification({ verdict: "inconclusive", reason: "coq-common: does not run on arm64" }),
          tools: {
            "tlc-vsr": { ...passedCheck, states: 51_234, depth: 22, log_key: log("formal-verification", "tlc-vsr") },
            "coq-common": { ...passedCheck, verdict: "inconclusive", reason: "does not run on arm64", log_key: null },
            "alloy-quorum": {
              ...passedCheck,
              verdict: "failed",
              reason: "counterexample to QuorumsIntersect",
              log_key: log("formal-verification", "alloy-quorum"),
            },
            "ivy-byzantine": {
              ...passedCheck,
              scope: "66 checks",
              log_key: log("formal-verification", "ivy-byzantine"),
            },
          },
        },
        {
          ...benchmarks({ verdict: "failed", reason: `blake3_hash/64: ${slowdown}` }),
          benchmarks: ["blake3_hash/64", "frame_encode"].map((name) => ({
            name,
            samples: 100,
            median_ns: 64,
            mean_ns: 64.5,
            lower_ns: 64,
            upper_ns: 65,
            operations_per_second: 15_503_876,
          })),
          runs: {
            crypto: { ...passed, duration_seconds: 300, log_key: log("benchmarks", "crypto") },
            wire: {
              verdict: "inconclusive",
              reason: "wire: still running at its deadline of 900.0 s",
              duration_seconds: 900,
              log_key: log("benchmarks", "wire"),
            },
          },
          comparison: {
            ...comparison,
            verdict: "failed",
            reason: `blake3_hash/64: ${slowdown}`,
            series: [level("blake3_hash/64", 0.02), level("frame_encode", 0.061)],
            changes: [
              {
                benchmark: "frame_encode",
                kind: "improvement",
                open: false,
                ...changed,
                ...commits,
                text: slowdown.replace("+10.1", "-10.1"),
              },
              { benchmark: "blake3_hash/64", kind: "regression", open: true, ...changed, ...commits, text: slowdown },
            ],
            promoted: [{ benchmark: "chain_hash/1024", level_ns: 300, reason: "better by 4.1 %" }],
          },
        },
        {
          ...fuzz({ verdict: "inconclusive", reason: `fuzz_abac: ${unbuilt}` }),
          targets: {
            fuzz_sql_parser: {
              ...target,
              executions: 18_044_640,
              build_seconds: 412,
              edges: 8_123,
              corpus_inputs: 2_345,
              corpus_minimized: null,
              log_key: null,
            },
            fuzz_wire: {
              ...target,
              verdict: "failed",
              reason: "2 findings",
              executions: 1_000_000,
              failure_keys: ["failures/fuzz/fuzz_wire-1763700000000.tar.gz"],
              build_seconds: 20,
              edges: 1_200,
              corpus_inputs: 340,
              corpus_minimized: null,
              log_key: null,
            },
            fuzz_abac: {
              ...target,
              verdict: "inconclusive",
              reason: unbuilt,
              duration_seconds: 0,
              executions: 0,
              executions_per_second: 0,
              build_seconds: 80,
              edges: null,
              corpus_inputs: null,
              corpus_minimized: null,
              log_key: "cycles/000007/logs/fuzz/fuzz_abac.txt",
            },
          },
        },
        vopr(),
      ],
    }),
  );
}

/** Something of everything that a digest can say. */
export function richDigest(): Digest {
  const { prepare, verification, benchmarks, fuzz, vopr } = results;
  const state = cycleState({
    interruptions: 2,
    results: [
      prepare(),
      verification(passed, canary(false)),
      benchmarks({ verdict: "inconclusive", reason: "the machine was busy: load average 14.2 on 8 cores" }),
      fuzz(),
      vopr({ verdict: "failed", reason: "5 of 1,234,567 seeds failed" }, canary(), {
        inconclusive_seeds: 1,
        inconclusive: [
          {
            scenario: "combined",
            starting_seed: 4_711n,
            iterations: 1,
            reason: "panicked (exit code 101): thread 'main' panicked at replica.rs:42: commit went backwards",
            evidence_key: "cycles/000007/evidence/batch-1763700000000-2-seed-4711.json",
          },
        ],
      }),
    ],
    sightings: {
      "vsr_agreement:combined": sighting("vsr_agreement:combined"),
      "hash_chain:swizzle": sighting("hash_chain:swizzle", { count: 2, message: `chain broken: ${"x y ".repeat(60)}` }),
    },
    vopr: {
      ...voprState,
      rechecks: {
        "linearizability:gray": { signature: "linearizability:gray", passed: 3, failed: 0, inconclusive: 0 },
      },
      rechecks_planned: true,
    },
    warnings: ["the corpus of fuzz target lines could not be kept: the store was unreachable for longer than it waits"],
  });
  const seen = { at: AT, cycle: 3, git_commit: COMMIT };
  return digestOf(
    state,
    [
      knownFinding("vsr_agreement:combined"),
      knownFinding("hash_chain:swizzle", { state: "ongoing", count: 44, first_seen: seen }),
      knownFinding("linearizability:gray", { state: "resolved", first_seen: seen }),
      knownFinding("commit_history:gray", { state: "resolved", first_seen: seen }),
    ],
    { store: { url: "s3://my-results", unreachable_seconds: 4_000, waiting: 2 } },
  );
}
