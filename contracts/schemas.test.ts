/**
 * docs/schemas/ is what the contracts say today, and says the same: sample values that the contracts accept
 * are valid by the files, and with a required field missing or wrong they are refused by both.
 *
 * The files are checked by a small validator of its own: it knows exactly the words they use, and throws on
 * any other, so that nothing in them is silently ignored.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { z } from "zod";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import { CONTRACTS, idOf, SCHEMA_FOLDER, schemaFiles, staleFiles } from "../tools/schemas.ts";
import { voprFailureSchema } from "./failure.ts";
import type { Baseline, BenchmarkRun } from "./benchmark-history.ts";
import type { CanaryHunt } from "./canary.ts";
import type { Batch, Checkpoint } from "./checkpoint.ts";
import type { CycleState, Sighting } from "./cycle.ts";
import type { Digest } from "./digest.ts";
import { parseJson, stringifyJson } from "./json.ts";
import type { Finding } from "./registry.ts";
import type { BenchmarksResult, FormalVerificationResult, FuzzResult, PrepareResult, VoprResult } from "./results.ts";
import { MAX_U64 } from "./u64.ts";

type Json = Record<string, unknown>;

// The validator.

const IGNORED = new Set(["$schema", "$defs", "title", "description", "default", "format"]);

const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isOfType(value: unknown, type: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => isOfType(value, one));
  switch (type) {
    case "integer":
      return typeof value === "bigint" || Number.isInteger(value);
    case "number":
      return isNumber(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "null":
      return value === null;
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      throw new Error(`unknown type ${String(type)}`);
  }
}

/** Whether `value`, as parsed from JSON, is valid by `schema`; `file` holds what it refers to. */
function isValid(value: unknown, schema: Json, file: Json): boolean {
  const inner = (one: unknown, of: unknown): boolean => isValid(one, of as Json, file);
  const properties = (schema["properties"] ?? {}) as Json;
  return Object.entries(schema).every(([word, says]): boolean => {
    if (IGNORED.has(word)) return true;
    const bound = says as number;
    switch (word) {
      case "$ref": {
        const target = (file["$defs"] as Json)[(says as string).replace("#/$defs/", "")];
        if (target === undefined) throw new Error(`${says as string} leads nowhere`);
        return inner(value, target);
      }
      case "type":
        return isOfType(value, says);
      case "const":
        return value === says;
      case "enum":
        return (says as unknown[]).includes(value);
      case "anyOf":
        return (says as unknown[]).some((one) => inner(value, one));
      case "oneOf":
        return (says as unknown[]).filter((one) => inner(value, one)).length === 1;
      case "minimum":
        return !isNumber(value) || value >= bound;
      case "maximum":
        return !isNumber(value) || value <= bound;
      case "exclusiveMinimum":
        return !isNumber(value) || value > bound;
      case "minLength":
        return typeof value !== "string" || value.length >= bound;
      case "pattern":
        return typeof value !== "string" || new RegExp(says as string, "u").test(value);
      case "minItems":
        return !Array.isArray(value) || value.length >= bound;
      case "maxItems":
        return !Array.isArray(value) || value.length <= bound;
      case "items":
        return !Array.isArray(value) || value.every((one) => inner(one, says));
      case "required":
        return !isObject(value) || (says as string[]).every((name) => Object.hasOwn(value, name));
      case "properties":
        return (
          !isObject(value) ||
          Object.entries(properties).every(([name, of]) => !Object.hasOwn(value, name) || inner(value[name], of))
        );
      case "propertyNames":
        return !isObject(value) || Object.keys(value).every((name) => inner(name, says));
      case "additionalProperties":
        return (
          !isObject(value) ||
          Object.entries(value).every(
            ([name, one]) => Object.hasOwn(properties, name) || (says !== false && inner(one, says)),
          )
        );
      default:
        throw new Error(`the word ${word} is not known here`);
    }
  });
}

function validByFile(id: string, value: unknown): boolean {
  const text = readFileSync(join(SCHEMA_FOLDER, `${id}.json`), "utf8");
  const file = parseJson(text, id) as Json;
  // As a reader of stored JSON gets it.
  return isValid(parseJson(stringifyJson(value), id), file, file);
}

// The samples.

const AT = "2026-01-30T12:00:00.000Z";
const BATCH_ID = Date.parse(AT);
const profile = embeddedProfile();
const toolchain = { node: "v24.0.0", platform: "linux", architecture: "arm64", cpu: "Neoverse-V1", cores: 4 };
const canary = { canary: "skip-fsync", found: true, found_in: 7, runs: 60, at: AT, reason: null };
const lost = { canary: "skip-fsync", found: false, found_in: 0, runs: 60, at: AT, reason: "none of 60 seeds failed" };
const passed = { verdict: "passed", reason: null } as const;
const frame = { cycle: 3, git_commit: "abc", started_at: AT, ended_at: AT, duration_seconds: 1.5 };
const benchmark = {
  name: "json/parse-u64",
  samples: 1000,
  median_ns: 900,
  mean_ns: 1000.5,
  lower_ns: 990,
  upper_ns: 1011,
  operations_per_second: 999500.25,
};

const prepare: PrepareResult = {
  phase: "prepare",
  ...passed,
  ...frame,
  toolchain,
  versions: {},
  builds: [],
  red_commit: null,
  cannot_run: {},
  missing_scenarios: [],
  warnings: [],
};
const verification: FormalVerificationResult = {
  phase: "formal-verification",
  verdict: "failed",
  reason: "explore: vsr_agreement: op 2 differs",
  ...frame,
  tools: {
    explore: {
      verdict: "failed",
      reason: "explore: vsr_agreement: op 2 differs",
      duration_seconds: 2,
      states: 51_000,
      depth: 17,
      scope: "replicas=3",
      counterexample: ["crash 1", "deliver 2"],
      log_key: null,
    },
  },
  runs: {},
  canary,
};
const benchmarks: BenchmarksResult = {
  phase: "benchmarks",
  ...passed,
  ...frame,
  toolchain,
  benchmarks: [benchmark],
  runs: { crypto: { ...passed, duration_seconds: 300, log_key: "cycles/000003/logs/benchmarks/crypto.txt" } },
  machine: { machine_type: "c7g.xlarge", cpu: "Neoverse-V1", architecture: "arm64", cores: 4 },
  compiler: null,
  quietness: null,
  comparison: {
    verdict: "failed",
    reason: "hash/fnv/4096: +10.0 %",
    runs_needed: 12,
    quiet: "unknown",
    quiet_reason: "steal not known",
    series: [
      {
        benchmark: "hash/fnv/4096",
        runs: 40,
        loud_runs: 1,
        noise: { level_ns: 4533.5, relative_deviation: 0.01, smallest_detectable: 0.02 },
      },
      { benchmark: "hash/fnv/64", runs: 3, loud_runs: 0, noise: null },
    ],
    changes: [
      {
        benchmark: "hash/fnv/4096",
        kind: "regression",
        open: true,
        ratio: 1.1,
        interval: { lower: 1.09, upper: 1.11, confidence: 0.95 },
        p: 1e-9,
        after_commit: "abc",
        up_to_commit: "def",
        first_run_at: AT,
        text: "+10.0 %",
      },
    ],
    promoted: [{ benchmark: "hash/fnv/64", level_ns: 70, reason: "there was no baseline" }],
  },
  canary: null,
};
const fuzz: FuzzResult = {
  phase: "fuzz",
  ...passed,
  ...frame,
  targets: {
    json: {
      ...passed,
      duration_seconds: 1,
      executions: 500,
      executions_per_second: 500.5,
      failure_keys: [],
      build_seconds: 12.5,
      edges: 900,
      corpus_inputs: 40,
      corpus_minimized: {
        inputs_before: 90,
        inputs_after: 40,
        features_before: 700,
        features_after: 700,
        reason: null,
      },
      log_key: "cycles/000003/logs/fuzz/json.txt",
    },
  },
  canary,
};
const vopr: VoprResult = {
  phase: "vopr",
  verdict: "failed",
  reason: "1 of 100 seeds failed",
  ...frame,
  iterations: 100,
  failures_total: 1,
  workers: 4,
  batches: 2,
  throughput_sps: 66.6,
  scenarios: {
    combined: { iterations: 100, failures: 1, cpu_seconds: 1.4, from_seed: MAX_U64 - 100n, next_seed: MAX_U64 },
  },
  determinism_iterations: 0,
  inconclusive_seeds: 2,
  inconclusive: [
    { scenario: "combined", starting_seed: 9007199254740993n, iterations: 2, reason: "killed", evidence_key: null },
  ],
  canary: lost,
};
const sighting: Sighting = {
  signature: "linearizability:combined",
  workload: "vopr",
  count: 1,
  first_at: AT,
  last_at: AT,
  seeds: [MAX_U64],
  message: "history is not linearizable",
  repro: "npx kimtest vopr --scenario combined --seed 18446744073709551615 -n 1 -v",
  failure_key: `failures/vopr/seed-18446744073709551615-${String(BATCH_ID)}.json`,
};
const batch: Batch = {
  id: BATCH_ID,
  kind: "recheck",
  scenario: "combined",
  starting_seed: MAX_U64 - 1n,
  iterations: 2,
  attempt: 2,
  counted_failures: [MAX_U64],
  recheck_of: sighting.signature,
};
const checkpoint: Checkpoint = {
  last_seed: MAX_U64,
  total_iterations: 100,
  total_failures: 1,
  failed_seeds: [MAX_U64],
  last_update: AT,
  cycle: 3,
  git_commit: "abc",
  scenarios: {
    combined: {
      next_seed: MAX_U64,
      iterations: 100,
      failures: 1,
      commits: [{ git_commit: "abc", from_seed: 0n, next_seed: MAX_U64 }],
    },
  },
  open: [batch],
};
const state: CycleState = {
  version: 1,
  revision: 17,
  cycle: 3,
  status: "running",
  profile: "embedded",
  store_url: "/store",
  git_commit: "abc",
  started_at: AT,
  updated_at: AT,
  budget_ms: 90_000,
  phase: "vopr",
  spent_ms: { prepare: 1.5 },
  spent_before_attempt_ms: { prepare: 0 },
  attempts: { prepare: 2 },
  interruptions: 1,
  results: [prepare, verification, benchmarks, fuzz, vopr],
  sightings: { [sighting.signature]: sighting },
  vopr: {
    open: [batch],
    waiting: [],
    scenarios: {
      combined: { from_seed: 0n, iterations: 100, failures: 1, cpu_ms: 1400, iterations_per_second: null },
    },
    batches: 2,
    determinism_iterations: 0,
    inconclusive_seeds: 2,
    inconclusive: vopr.inconclusive,
    inconclusive_in_a_row: 0,
    rechecks: { [sighting.signature]: { signature: sighting.signature, passed: 1, failed: 0, inconclusive: 0 } },
    rechecks_planned: true,
    canary,
  },
  checkpoint,
  last_batch_id: BATCH_ID,
  interim_digest_at_ms: 0,
  outage_before_ms: 0,
  critical_sent_at: null,
  progress_at: AT,
  given_up: { benchmarks: "interrupted 3 times" },
  warnings: ["a warning"],
  damage: ["the state was damaged"],
  unmerged: [{ cycle: 2, git_commit: "abc", sightings: [sighting] }],
};
const seen = { at: AT, cycle: 3, git_commit: "abc" };
const finding: Finding = {
  signature: sighting.signature,
  workload: "vopr",
  state: "duplicate-of",
  duplicate_of: "linearizability:swizzle",
  first_seen: seen,
  last_seen: seen,
  count: 1,
  cycles: [{ cycle: 3, git_commit: "abc", count: 1, state_before: null }],
  seeds: [MAX_U64],
  message: sighting.message,
  repro: sighting.repro,
  failure_key: sighting.failure_key,
};
const trusted = { trusted: true, reason: null, canary };
const digest: Digest = {
  version: 1,
  kind: "final",
  generated_at: AT,
  cycle: 3,
  git_commit: "abc",
  profile: "embedded",
  started_at: AT,
  duration_seconds: 90.5,
  interruptions: 1,
  verdict: "failed",
  reason: "vopr: 1 of 100 seeds failed",
  prepare: {
    verdict: "inconclusive",
    reason: "def does not build",
    red_commit: "def",
    versions: { rustc: "rustc 1.88.0", java: null },
    builds: [{ name: "vopr", ...passed, duration_seconds: 60, log_key: null }],
  },
  vopr: {
    verdict: "failed",
    reason: "1 of 100 seeds failed",
    iterations: 100,
    failures_total: 1,
    failures_new: null,
    duration_seconds: 63.5,
    throughput_sps: 66.6,
    workers: 4,
    batches: 2,
    scenarios: vopr.scenarios,
    determinism_iterations: 0,
    inconclusive_seeds: 2,
    inconclusive: vopr.inconclusive,
  },
  fuzzing: { ...passed, duration_seconds: 10, targets: fuzz.targets },
  formal_verification: { ...passed, duration_seconds: 8, tools: verification.tools },
  benchmarks: {
    ...passed,
    duration_seconds: 6,
    suites: benchmarks.benchmarks,
    runs: benchmarks.runs,
    comparison: benchmarks.comparison,
  },
  trust: {
    vopr: { trusted: false, reason: "its canary was not found", canary: lost },
    fuzzing: trusted,
    formal_verification: trusted,
    benchmarks: { trusted: false, reason: "its canary was not run", canary: null },
  },
  findings: [
    {
      signature: sighting.signature,
      state: null,
      count_in_cycle: 1,
      count_ever: null,
      seeds: [MAX_U64],
      message: sighting.message,
      repro: sighting.repro,
      failure_key: sighting.failure_key,
      first_seen_cycle: null,
    },
  ],
  store: { url: "/store", unreachable_seconds: 1.5, waiting: 0 },
  warnings: [],
};
const voprFailure = {
  version: 1,
  kind: "vopr",
  seed: MAX_U64,
  signature: sighting.signature,
  scenario: "combined",
  invariant: "linearizability",
  message: sighting.message,
  expectation: "must-pass",
  archived_at: AT,
  cycle: 3,
  git_commit: "abc",
  profile: "embedded",
  toolchain,
  command: ["vopr", "--json"],
  repro: sighting.repro,
  batch: { id: BATCH_ID, starting_seed: MAX_U64, iterations: 1, command: ["vopr", "--json"] },
  record: { type: "iteration", timestamp: AT, data: { seed: MAX_U64 } },
  bundle_key: `failures/vopr/seed-18446744073709551615-${String(BATCH_ID)}.kmb`,
  bundle_reason: null,
};
const voprRecord = {
  type: "iteration",
  timestamp: "2026-01-30T12:00:00.123456789+00:00",
  data: { seed: MAX_U64, status: "failed", events: 212, invariant: "linearizability", message: "m", added_later: 1 },
};
const fuzzRunFailure = { message: "m", counterexample: "[[1,2]]", seed: -7, path: "3:0", shrinks: 2 };

const estimate = { ns: 4533.5, lower_ns: 4500, upper_ns: 4570, confidence: 0.95 };
const benchmarkRun: BenchmarkRun = {
  version: 1,
  tool: "criterion",
  cycle: 3,
  git_commit: "abc",
  started_at: AT,
  ended_at: AT,
  machine: { machine_type: "c7g.xlarge", cpu: "Neoverse-V1", architecture: "arm64", cores: 4 },
  compiler: "rustc 1.88.0",
  quietness: { load_average_before: 0.1, busy_share_before: null, steal_share: null },
  measurements: [
    {
      benchmark: "hash/fnv/4096",
      suite: "crypto",
      median: estimate,
      mean: estimate,
      slope: null,
      deviation_ns: 12.5,
      samples: 100,
      iterations: 5050,
      throughput: { unit: "Bytes", per_iteration: 4096 },
    },
  ],
  problems: [{ benchmark: "chain_hash", suite: "crypto", reason: "not measured in this run" }],
};
const baseline: Baseline = {
  version: 1,
  updated_at: AT,
  levels: [
    {
      benchmark: "hash/fnv/4096",
      machine_type: "c7g.xlarge",
      cpu: "Neoverse-V1",
      level_ns: 4533.5,
      noise: 0.01,
      runs: 8,
      first_run_at: AT,
      last_run_at: AT,
      git_commit: "abc",
      promoted_at: AT,
      promoted_by: "rule",
    },
  ],
};

const hunt: CanaryHunt = {
  canary: "wrong-hash",
  scenario: "baseline",
  meant: "hash_chain",
  status: "found",
  failed_by: { hash_chain: 20 },
  seed: MAX_U64,
  seeds_tried: 1,
  seconds: 0.2,
  repro: "npx kimtest vopr --canary wrong-hash",
  reason: null,
};

const SAMPLES: Record<string, unknown> = {
  BenchmarkBaseline: baseline,
  BenchmarkHistory: { version: 1, date: "2026-01-30", runs: [benchmarkRun] },
  BenchmarkRun: benchmarkRun,
  BenchmarksResult: benchmarks,
  BenchRun: {
    benchmarks: [benchmark],
    canary: { name: "planted-slowdown", ratio: { median: 1.5, lower: 1.4, upper: 1.6 }, pairs: 60 },
  },
  CanaryList: {
    canaries: [{ name: "wrong-hash", description: "d", finds: "hash_chain", scenario: "baseline", extra: true }],
    extra: true,
  },
  CanaryMatrix: {
    profile: "embedded",
    started_at: AT,
    elapsed_seconds: 1.5,
    workers: 2,
    max_seeds: 300,
    deadline_seconds: 300,
    planted: 1,
    found: 1,
    survived: 0,
    inconclusive: 0,
    mutation_score: 1,
    canaries: [hunt],
  },
  BundleIdentity: {
    seed: MAX_U64,
    scenario: "combined",
    commit: "abc",
    flags: ["--scenario", "combined"],
    failure: { invariant: "linearizability", message: "m" },
  },
  BundleRepro: {
    reproduced: false,
    seed: MAX_U64,
    expected: { invariant: "linearizability", message: "m" },
    found: null,
  },
  CanaryResult: lost,
  Checkpoint: checkpoint,
  CycleState: state,
  Digest: digest,
  SmokeReport: {
    profile: "embedded",
    git_commit: null,
    architecture: "x64",
    started_at: AT,
    elapsed_seconds: 0.5,
    verdict: "inconclusive",
    passed: 0,
    failed: 0,
    inconclusive: 1,
    checks: [
      {
        part: "prepare",
        name: "commit and builds",
        verdict: "inconclusive",
        what: "no git",
        seconds: 0.5,
        hint: "git",
      },
    ],
    warnings: ["nobody fuzzes one"],
    kept: null,
  },
  DoctorReport: {
    checks: [{ name: "git", result: "warning", what: "there is no git on PATH", fix: "apt install git" }],
    warnings: 1,
    faults: 0,
  },
  Evidence: {
    batch: batch,
    command: ["vopr", "--json"],
    reason: "panicked (exit code 101)",
    ending: "exited",
    exit_code: 101,
    signal: null,
    description: "exit code 101",
    duration_ms: 12.5,
    stdout: "{}",
    stderr: "thread panicked",
  },
  Exploration: {
    states: 3,
    transitions: 4,
    depth: 2,
    complete: true,
    violation: { invariant: "vsr_agreement", message: "m", trace: ["crash 1"], extra: true },
    scope: { replicas: 3 },
    elapsed_secs: 0.5,
    states_per_sec: 6,
    extra: true,
  },
  FailureIndexBegins: { version: 1, at: AT, cycle: 3 },
  FailureIndexEntry: { version: 1, key: "failures/vopr/seed-17-1700000000000.json", signature: "agreement:combined" },
  FailureList: {
    failures: [
      {
        key: "failures/vopr/seed-17-1700000000000.json",
        kind: "vopr",
        at: AT,
        seed: MAX_U64,
        finding: "0123456789ab",
        signature: "agreement:combined",
      },
      {
        key: "failures/fuzz/json-1700000000000.tar.gz",
        kind: "fuzz",
        at: AT,
        target: "json",
        finding: null,
        signature: null,
      },
    ],
    more: true,
  },
  FetchedFailures: {
    fetched: [
      {
        key: "failures/fuzz/json-1700000000000.tar.gz",
        path: "/here/json-1700000000000.tar.gz",
        size: 5,
        verified: "crc32",
        new: true,
        bundle: null,
        extracted: "/here/json-1700000000000",
        next: "cat /here/json-1700000000000/failure.json",
      },
    ],
    failed: [{ key: "failures/vopr/seed-17-1700000000000.json", code: "NOT_FOUND", message: "m", hint: null }],
  },
  Finding: finding,
  FindingList: {
    findings: [
      {
        id: "0123456789ab",
        signature: "agreement:combined",
        workload: "vopr",
        state: "new",
        count: 2,
        first_seen_at: AT,
        last_seen_at: AT,
        seeds: [MAX_U64],
        message: "m",
        repro: "vopr --seed 1",
        failure_key: "failures/vopr/seed-17-1700000000000.json",
      },
    ],
    more: false,
  },
  FormalVerificationDay: { ...verification, earlier_failures: [{ ...verification, cycle: 1 }] },
  FormalVerificationResult: verification,
  FuzzFailure: {
    version: 1,
    kind: "fuzz",
    target: "json",
    signature: "fuzz:json:m",
    message: "m",
    counterexample: "[1]",
    archived_at: AT,
    cycle: 3,
    git_commit: "abc",
    profile: "embedded",
    toolchain,
    command: ["fuzz", "--target", "json"],
    repro: "fuzz --target json",
    artifact: "crash",
    group: "fuzz:json:panic in decode",
    inputs: { found: "artifacts/json/crash-01", minimized: null, reason: "no shorter input was found" },
  },
  FuzzResult: fuzz,
  FuzzRun: { target: "json", executions: 500, elapsed_secs: 1.5, failure: fuzzRunFailure },
  InfraStatus: {
    version: 1,
    at: AT,
    store: { url: "s3://results", by: "--stack" },
    stack: { name: "dev", region: "us-east-1", account_id: "123456789012", by: "--stack" },
    instance: {
      id: "i-0123456789abcdef0",
      type: "c7g.xlarge",
      state: "stopped",
      since: AT,
      availability_zone: "us-east-1a",
      stopped_by: "user",
    },
    spot_request: { id: "sir-1", state: "disabled", code: "instance-stopped-by-user", created_at: AT },
    spot_price: { usd_per_hour: 0.0589, availability_zone: "us-east-1a" },
    interruptions: { count: 1, since: AT },
    cycle: {
      number: 3,
      status: "running",
      profile: "embedded",
      git_commit: "abc",
      phase: "vopr",
      resumed: 1,
      started_at: AT,
      updated_at: AT,
      budget_seconds: 90,
      left_seconds: 10.5,
      iterations: 1_000,
      failures: 1,
      sims_per_second: 8.5,
      findings: 1,
      heartbeat_at: AT,
      heartbeat_age_seconds: 1.5,
      stuck: false,
    },
    alarms: [{ name: "no-progress", state: "ok", since: AT, notifies: true }],
    subscriptions: [{ email: "team@example.com", state: "confirmed" }],
    digest: {
      cycle: 2,
      kind: "final",
      generated_at: AT,
      verdict: "failed",
      reason: "vopr: 1 of 1,000 seeds failed",
      vopr_verdict: "failed",
      iterations: 1_000,
      failures: 1,
      sims_per_second: 8.5,
      untrusted: ["fuzzing"],
    },
    findings: [{ signature: finding.signature, state: "new", count_in_cycle: 1, failure_key: "failures/vopr/x.json" }],
    problems: [{ part: "alarms", message: "cannot look at the alarms", hint: null, exit_code: 5 }],
  },
  ProjectFile: { $schema: "ProjectFile.json", stack: "dev", region: "eu-west-1", profile: "work", store: "s3://b/p" },
  LastGood: {
    version: 1,
    commits: [{ url: "https://github.com/example/kimberlite", reference: "main", git_commit: "a".repeat(40), at: AT }],
  },
  PhaseResult: vopr,
  PrepareResult: prepare,
  Profile: profile,
  ProgramProgress: { progress: { done: 500, of: "executions" } },
  Registry: { version: 1, updated_at: AT, findings: { [finding.signature]: finding } },
  Seed: MAX_U64,
  ServiceSettings: {
    version: 1,
    stack: "dev",
    region: "us-east-1",
    s3_bucket: "results",
    sns_topic: "arn:aws:sns:us-east-1:123456789012:alerts",
    log_group: "/kimtest/dev",
    bundle: { key: "runner/x.tar.gz", sha256: "a".repeat(64) },
    profile: "embedded",
    github_repo: "https://github.com/example/kimberlite",
    github_branch: "main",
    run_duration_hours: 48,
    enable_fuzzing: true,
    enable_formal_verification: true,
    enable_benchmarks: true,
    seed_offset: MAX_U64,
    vopr_flags: ["--no-storage-faults"],
  },
  HostSettings: {
    version: 1,
    host: "plain",
    store: "s3://results",
    profile: "kimberlite",
    repo: null,
    branch: "release",
    run_duration_hours: 48,
    enable_fuzzing: true,
    enable_formal_verification: false,
    enable_benchmarks: true,
    seed_offset: MAX_U64,
    vopr_flags: [],
    notify_command: ["mail", "-s", "{subject}", "team@example.org"],
  },
  StackParameter: {
    version: 1,
    stack: "dev",
    region: "us-east-1",
    account_id: "123456789012",
    instance_id: "i-0123456789abcdef0",
    instance_type: "c7g.xlarge",
    architecture: "arm64",
    purchase: "spot",
    s3_bucket: "results",
    sns_topic: "arn:aws:sns:us-east-1:123456789012:alerts",
    log_group: "/kimtest/dev",
    alarms: ["no-progress"],
    dashboard: "kimtest-dev",
    service_parameter: "/kimtest/dev/service",
  },
  VoprFailure: voprFailure,
  VoprRecord: voprRecord,
  VoprResult: vopr,
};

// The tests.

test("the files are up to date (node tools/schemas.ts)", () => {
  expect(staleFiles(SCHEMA_FOLDER)).toStrictEqual([]);
  expect(schemaFiles().size).toBe(CONTRACTS.length);
});

test("no contract is forgotten: every exported schema with an id has its file", async () => {
  const folder = new URL("./", import.meta.url);
  const modules = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const exported = await Promise.all(modules.map((name) => import(new URL(name, folder).href) as Promise<Json>));
  const ids = exported
    .flatMap((module) => Object.values(module))
    .filter((value): value is z.ZodType => value instanceof z.ZodType)
    .flatMap((schema) => schema.meta()?.id ?? []);
  expect([...new Set(ids)].sort()).toStrictEqual(CONTRACTS.map(idOf).sort());
  expect(Object.keys(SAMPLES).sort()).toStrictEqual(CONTRACTS.map(idOf).sort());
});

const byId = CONTRACTS.map((schema) => [idOf(schema), schema] as const);

test.each(byId)("%s: the sample is valid by the contract and by its file", (id, schema) => {
  const stored = parseJson(stringifyJson(SAMPLES[id]), id);
  expect(schema.safeParse(stored).error).toBeUndefined();
  expect(validByFile(id, stored)).toBe(true);
});

test.each(byId.filter(([id]) => id !== "Seed"))(
  "%s: without any one of its fields, both say the same",
  (id, schema) => {
    const stored = parseJson(stringifyJson(SAMPLES[id]), id) as Json;
    const fields = Object.keys(stored);
    const refused = fields.filter((field) => {
      const { [field]: _, ...rest } = stored;
      const byContract = schema.safeParse(rest).success;
      expect([id, field, _ === undefined, validByFile(id, rest)]).toStrictEqual([id, field, false, byContract]);
      return !byContract;
    });
    // Of what a person may write, everything may be left out.
    expect([id, refused.length > 0]).toStrictEqual([id, id !== "ProjectFile"]);
  },
);

test.each(byId.filter(([id]) => id !== "Seed"))(
  "%s: with any one field of a wrong kind, both say the same",
  (id, schema) => {
    const stored = parseJson(stringifyJson(SAMPLES[id]), id) as Json;
    const wrong = [true, -1, 1.5, "", "x", null, [], [1], {}];
    for (const field of Object.keys(stored)) {
      for (const value of wrong) {
        const changed = { ...stored, [field]: value };
        expect([id, field, value, validByFile(id, changed)]).toStrictEqual([
          id,
          field,
          value,
          schema.safeParse(changed).success,
        ]);
      }
    }
  },
);

test.each<[value: unknown, valid: boolean]>([
  [0, true],
  [9007199254740993n, true],
  [18446744073709551615n, true],
  [18446744073709551616n, false],
  [-1, false],
  [1.5, false],
  ["1", false],
  [null, false],
])("Seed: %p", (value, valid) => {
  expect(validByFile("Seed", value)).toBe(valid);
});

test("the largest seed stands in the files with all its digits", () => {
  const text = readFileSync(join(SCHEMA_FOLDER, "Seed.json"), "utf8");
  expect(text).toBe(`{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Seed",
  "description": "Unsigned 64-bit seed, a plain JSON number; never rounded",
  "type": "integer",
  "minimum": 0,
  "maximum": 18446744073709551615
}
`);
});

test("the validator refuses words it does not know, and references that lead nowhere", () => {
  expect(() => isValid(1, { multipleOf: 2 }, {})).toThrow("the word multipleOf is not known here");
  expect(() => isValid(1, { type: "date" }, {})).toThrow("unknown type date");
  expect(() => isValid(1, { $ref: "#/$defs/Gone" }, { $defs: {} })).toThrow("#/$defs/Gone leads nowhere");
});

test("a failure that was archived before there were bundles is one without", () => {
  const old = { ...voprFailure, bundle_key: undefined, bundle_reason: undefined };
  expect(voprFailureSchema.parse(parseJson(stringifyJson(old), "old"))).toMatchObject({
    seed: MAX_U64,
    bundle_key: null,
    bundle_reason: null,
  });
});
