/** Builds the digest from the cycle's state and the registry: pure. */
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { CycleState, Sighting } from "../../../contracts/cycle.ts";
import type { Digest, DigestFinding, Trust } from "../../../contracts/digest.ts";
import type { PhaseName } from "../../../contracts/parts.ts";
import type { Finding, Registry } from "../../../contracts/registry.ts";
import type {
  BenchmarksResult,
  FormalVerificationResult,
  FuzzResult,
  PhaseResult,
  PrepareResult,
  VoprResult,
} from "../../../contracts/results.ts";
import { failed, inconclusive, worstOf, type Judgement } from "../../../contracts/verdict.ts";
import { suspicionOf } from "../../triage/mass-failure.ts";
import { MAX_SIGNATURES } from "../../triage/sightings.ts";

export interface DigestInput {
  readonly kind: Digest["kind"];
  readonly state: CycleState;
  /** Undefined when it could not be read; `registryProblem` says why. */
  readonly registry: Registry | undefined;
  readonly registryProblem: string | null;
  /** Sightings that are not filed: too many new ones at once. */
  readonly held: readonly Sighting[];
  /** The VOPR figures of a marathon that is still running, for an interim digest. */
  readonly runningVopr: VoprResult | undefined;
  readonly store: Digest["store"];
  /** What the store does not take, in words. */
  readonly refused: readonly string[];
  readonly generatedAt: string;
}

interface ResultOf {
  prepare: PrepareResult;
  "formal-verification": FormalVerificationResult;
  benchmarks: BenchmarksResult;
  fuzz: FuzzResult;
  vopr: VoprResult;
}

function resultOf<P extends keyof ResultOf>(results: readonly PhaseResult[], phase: P): ResultOf[P] | undefined {
  return results.find((result): result is ResultOf[P] & PhaseResult => result.phase === phase);
}

export function buildDigest(input: DigestInput): Digest {
  const { held } = input;
  const state = withoutHeld(input.state, held);
  const { results } = state;
  const prepare = resultOf(results, "prepare");
  const verification = resultOf(results, "formal-verification");
  const benchmarks = resultOf(results, "benchmarks");
  const fuzz = resultOf(results, "fuzz");
  const vopr = resultOf(results, "vopr") ?? input.runningVopr;
  const findings = Object.values(state.sightings).map((sighting) => digestFinding(sighting, input.registry));
  const quiet = resolvedFindings(input.registry, state);
  const trust = {
    vopr: trustOf(vopr?.canary),
    fuzzing: trustOf(fuzz?.canary),
    formal_verification: trustOf(verification?.canary),
    benchmarks: trustOf(benchmarks?.canary),
  };
  const warnings = [
    ...state.damage,
    ...input.refused,
    ...state.warnings,
    ...(input.registryProblem === null ? [] : [registryWarning(input.registryProblem)]),
    ...Object.values(WORKLOAD_OF).flatMap((workload) => suspicionOf(held, workload)?.reason ?? []),
  ];
  if (findings.length >= MAX_SIGNATURES)
    warnings.push(`${String(MAX_SIGNATURES)} signatures, which is the most that is listed: any more are only archived`);
  return {
    version: 1,
    kind: input.kind,
    generated_at: input.generatedAt,
    cycle: state.cycle,
    git_commit: state.git_commit ?? "unknown",
    profile: state.profile,
    started_at: state.started_at,
    duration_seconds: spentSeconds(state),
    interruptions: state.interruptions,
    ...overall(state, vopr, trust, input),
    prepare:
      prepare === undefined
        ? null
        : {
            ...judgementOf(prepare, state, "prepare", held),
            red_commit: prepare.red_commit,
            versions: prepare.versions,
            builds: prepare.builds,
          },
    vopr: {
      ...judgementOf(vopr, state, "vopr", held),
      iterations: vopr?.iterations ?? 0,
      failures_total: vopr?.failures_total ?? 0,
      failures_new: input.registry === undefined ? null : newFailures(findings),
      duration_seconds: vopr?.duration_seconds ?? 0,
      throughput_sps: vopr?.throughput_sps ?? 0,
      workers: vopr?.workers ?? 0,
      batches: vopr?.batches ?? 0,
      scenarios: vopr?.scenarios ?? {},
      determinism_iterations: vopr?.determinism_iterations ?? 0,
      inconclusive_seeds: vopr?.inconclusive_seeds ?? 0,
      inconclusive: vopr?.inconclusive ?? [],
    },
    fuzzing: {
      ...judgementOf(fuzz, state, "fuzz", held),
      duration_seconds: fuzz?.duration_seconds ?? 0,
      targets: fuzz?.targets ?? {},
    },
    formal_verification: {
      ...judgementOf(verification, state, "formal-verification", held),
      duration_seconds: verification?.duration_seconds ?? 0,
      tools: verification?.tools ?? {},
    },
    benchmarks: {
      ...judgementOf(benchmarks, state, "benchmarks", held),
      duration_seconds: benchmarks?.duration_seconds ?? 0,
      suites: benchmarks?.benchmarks ?? [],
      runs: benchmarks?.runs ?? {},
      comparison: benchmarks?.comparison ?? null,
    },
    trust,
    findings: [...findings, ...quiet].sort((a, b) => rank(a) - rank(b) || b.count_in_cycle - a.count_in_cycle),
    store: input.store,
    warnings,
  };
}

const WORKLOAD_OF: Partial<Record<PhaseName, Sighting["workload"]>> = {
  "formal-verification": "formal-verification",
  fuzz: "fuzz",
  vopr: "vopr",
};

function withoutHeld(state: CycleState, held: readonly Sighting[]): CycleState {
  const signatures = new Set(held.map(({ signature }) => signature));
  const filed = Object.entries(state.sightings).filter(([signature]) => !signatures.has(signature));
  return { ...state, sightings: Object.fromEntries(filed) };
}

/**
 * A failure that was seen is a failure, also when the attempt that saw it was interrupted and the next one was
 * green. One that is held back is none yet.
 */
function judgementOf(
  result: Judgement | undefined,
  state: CycleState,
  phase: PhaseName,
  held: readonly Sighting[],
): Judgement {
  const seen = Object.values(state.sightings).filter(({ workload }) => workload === WORKLOAD_OF[phase]);
  const own: Judgement =
    result === undefined
      ? inconclusive(state.given_up[phase] ?? "this phase has left no result")
      : { verdict: result.verdict, reason: result.reason };
  const suspicion = suspicionOf(held, WORKLOAD_OF[phase]);
  if (suspicion !== undefined && seen.length === 0)
    return own.verdict === "inconclusive" ? worstOf([suspicion, own]) : suspicion;
  if (seen.length === 0 || own.verdict === "failed") return own;
  const found = failed(`${String(seen.length)} findings by an attempt that did not end`);
  return own.verdict === "passed" ? found : { ...found, reason: `${found.reason ?? ""}; ${own.reason ?? ""}` };
}

export function spentSeconds(state: CycleState): number {
  return Object.values(state.spent_ms).reduce((sum, ms) => sum + ms, 0) / 1000;
}

function trustOf(canary: CanaryResult | null | undefined): Trust {
  if (canary === null || canary === undefined) {
    return { trusted: false, reason: "its canary was not run", canary: null };
  }
  const reason = canary.found
    ? null
    : `its canary ${canary.canary} was not found: ${canary.reason ?? "no reason given"}`;
  return { trusted: canary.found, reason, canary };
}

const WORKLOAD_NAMES = {
  vopr: "VOPR",
  fuzzing: "fuzzing",
  formal_verification: "formal verification",
  benchmarks: "benchmarks",
} as const;
const WORKLOAD_PHASES: readonly PhaseName[] = ["formal-verification", "benchmarks", "fuzz", "vopr"];

function overall(
  state: CycleState,
  vopr: VoprResult | undefined,
  trust: Digest["trust"],
  { registryProblem, refused, held }: DigestInput,
): Judgement {
  const prepare = judgementOf(resultOf(state.results, "prepare"), state, "prepare", held);
  const workloads = WORKLOAD_PHASES.map((phase) => {
    const result = phase === "vopr" ? vopr : state.results.find((one) => one.phase === phase);
    const { verdict, reason } = judgementOf(result, state, phase, held);
    return { verdict, reason: reason === null ? null : `${phase}: ${reason}` };
  });
  const untrusted = (Object.keys(WORKLOAD_NAMES) as (keyof typeof WORKLOAD_NAMES)[])
    .filter((workload) => !trust[workload].trusted)
    .map((workload) => inconclusive(`${WORKLOAD_NAMES[workload]} is untrusted: ${trust[workload].reason ?? ""}`));
  const registry = registryProblem === null ? [] : [inconclusive(`findings: ${registryProblem}`)];
  const worst = worstOf([
    prepare,
    ...workloads,
    ...untrusted,
    ...registry,
    ...[...refused, ...state.damage].map(inconclusive),
  ]);
  // Which commit was tested is said first, whatever was found on it.
  const first = worst.verdict === "failed" && prepare.reason !== null ? `${prepare.reason}; ` : "";
  return { ...worst, reason: worst.reason === null ? null : first + worst.reason };
}

function registryWarning(problem: string): string {
  return `new and known findings cannot be told apart: ${problem}`;
}

function digestFinding(sighting: Sighting, registry: Registry | undefined): DigestFinding {
  const known: Finding | undefined = registry?.findings[sighting.signature];
  return {
    signature: sighting.signature,
    state: known?.state ?? null,
    count_in_cycle: sighting.count,
    count_ever: known?.count ?? null,
    seeds: sighting.seeds,
    message: sighting.message,
    repro: sighting.repro,
    failure_key: sighting.failure_key,
    first_seen_cycle: known?.first_seen.cycle ?? null,
  };
}

/** Findings that were not seen and are known to be gone: their seeds were run again in this cycle and passed. */
function resolvedFindings(registry: Registry | undefined, state: CycleState): DigestFinding[] {
  const rechecks = state.vopr?.rechecks ?? {};
  return Object.values(registry?.findings ?? {})
    .filter(({ signature, state: finding }) => finding === "resolved" && signature in rechecks)
    .map((finding) => ({
      signature: finding.signature,
      state: finding.state,
      count_in_cycle: 0,
      count_ever: finding.count,
      seeds: finding.seeds,
      message: finding.message,
      repro: finding.repro,
      failure_key: finding.failure_key,
      first_seen_cycle: finding.first_seen.cycle,
    }));
}

/** Failures of this cycle whose signature no earlier cycle had seen. */
function newFailures(findings: readonly DigestFinding[]): number {
  return findings
    .filter(({ state, signature }) => state === "new" && !/^(fuzz|formal-verification):/.test(signature))
    .reduce((sum, finding) => sum + finding.count_in_cycle, 0);
}

const ORDER = ["new", "regressed", null, "ongoing", "rare", "resolved", "duplicate-of", "invalid"] as const;

/** What matters most comes first. */
function rank(finding: DigestFinding): number {
  return ORDER.indexOf(finding.state);
}
