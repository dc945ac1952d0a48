/** A cycle with something of everything, for tests of what is made of it. */
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

export const results = {
  prepare: (judgement = passed): PrepareResult => ({
    phase: "prepare",
    ...judgement,
    ...frame,
    toolchain,
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
      },
    },
    canary: found,
  }),
  benchmarks: (judgement = passed, found: CanaryResult | null = canary()): BenchmarksResult => ({
    phase: "benchmarks",
    ...judgement,
    ...frame,
    toolchain,
    benchmarks: [],
    load_average: 0.5,
    canary: found,
  }),
  fuzz: (judgement = passed, found: CanaryResult | null = canary()): FuzzResult => ({
    phase: "fuzz",
    ...judgement,
    ...frame,
    targets: {
      json: { ...judgement, duration_seconds: 60, executions: 1_000, executions_per_second: 17, failure_keys: [] },
      lines: { ...judgement, duration_seconds: 60, executions: 2_345, executions_per_second: 39, failure_keys: [] },
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
    runningVopr: undefined,
    store: { url: "/store", unreachable_seconds: 0, waiting: 0 },
    refused: [],
    generatedAt: AT,
    ...change,
  });
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
