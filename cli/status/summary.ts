/** What of the stored state and digest is on the screen. Pure. */
import type { CycleState } from "../../contracts/cycle.ts";
import type { Digest } from "../../contracts/digest.ts";
import type { InfraStatus } from "../../contracts/infra-status.ts";

/** A running cycle without real work for so long is stuck (the no-progress alarm's 15 minutes). */
const STUCK_MS = 15 * 60_000;

export function cycleSummary(state: CycleState, nowMs: number): NonNullable<InfraStatus["cycle"]> {
  const spentMs = Object.values(state.spent_ms).reduce((sum, ms) => sum + ms, 0);
  const shares = Object.values(state.vopr?.scenarios ?? {});
  const iterations = shares.reduce((sum, share) => sum + share.iterations, 0);
  const voprMs = state.spent_ms.vopr ?? 0;
  const ageMs = Math.max(0, nowMs - Date.parse(state.progress_at));
  return {
    number: state.cycle,
    status: state.status,
    profile: state.profile,
    git_commit: state.git_commit,
    phase: state.phase,
    resumed: state.interruptions,
    started_at: state.started_at,
    updated_at: state.updated_at,
    budget_seconds: state.budget_ms / 1000,
    left_seconds: state.status === "done" ? 0 : Math.max(0, state.budget_ms - spentMs) / 1000,
    iterations,
    failures: shares.reduce((sum, share) => sum + share.failures, 0),
    sims_per_second: voprMs === 0 || state.vopr === null ? null : iterations / (voprMs / 1000),
    findings: Object.keys(state.sightings).length,
    heartbeat_at: state.progress_at,
    heartbeat_age_seconds: ageMs / 1000,
    stuck: state.status === "running" && ageMs > STUCK_MS,
  };
}

export function digestSummary({ vopr, trust, ...digest }: Digest): NonNullable<InfraStatus["digest"]> {
  return {
    cycle: digest.cycle,
    kind: digest.kind,
    generated_at: digest.generated_at,
    verdict: digest.verdict,
    reason: digest.reason,
    vopr_verdict: vopr.verdict,
    iterations: vopr.iterations,
    failures: vopr.failures_total,
    sims_per_second: vopr.throughput_sps,
    untrusted: Object.entries(trust)
      .filter(([, { trusted }]) => !trusted)
      .map(([workload]) => workload),
  };
}

export function openFindings({ findings }: Digest): NonNullable<InfraStatus["findings"]> {
  return findings
    .filter(({ state }) => state !== "resolved")
    .map(({ signature, state, count_in_cycle, failure_key }) => ({ signature, state, count_in_cycle, failure_key }));
}
