/**
 * Kimberlite's VOPR scenarios: those that its command line knows, with what they are expected to do, and those
 * that it lists and does not accept.
 *
 * Byzantine scenarios fail by design: a replica lies, and a checker must say so. With 10,000 seeds each of
 * view-change-merge, commit-desync and inflated-commit all 30,000 did; the other eight use the same injector and
 * are watched by the same checkers. A seed of them that passes is the bug.
 */
import type { ScenarioProfile } from "../../../contracts/profile/vopr.ts";

type Row = readonly [name: string, listedAs: string, weight: number];

/** Weights: shares of CPU time. The mixes of all faults are worth most, single faults least. */
const MUST_PASS: readonly Row[] = [
  ["baseline", "Baseline (No Faults)", 1],
  ["swizzle", "Swizzle-Clogging", 3],
  ["gray", "Gray Failures", 3],
  ["multi-tenant", "Multi-Tenant Isolation", 4],
  ["time-compression", "Time Compression", 2],
  ["combined", "Combined Faults", 12],
  ["corruption_bit_flip", "Corruption: Bit Flip", 2],
  ["corruption_checksum_validation", "Corruption: Checksum Validation", 2],
  ["corruption_silent_disk_failure", "Corruption: Silent Disk Failure", 2],
  ["crash_during_commit", "Crash: During Commit", 2],
  ["crash_during_view_change", "Crash: During View Change", 2],
  ["recovery_corrupt_log", "Recovery: Corrupt Log", 2],
  ["gray_failure_slow_disk", "Gray Failure: Slow Disk", 2],
  ["gray_failure_intermittent_network", "Gray Failure: Intermittent Network", 2],
  ["race_concurrent_view_changes", "Race: Concurrent View Changes", 2],
  ["race_commit_during_dvc", "Race: Commit During DVC", 2],
  ["clock_drift", "Clock: Drift Detection", 2],
  ["clock_offset_exceeded", "Clock: Offset Exceeded", 2],
  ["clock_ntp_failure", "Clock: NTP Failure", 2],
  ["client_session_crash", "Client Session: Crash Recovery", 2],
  ["client_session_view_change_lockout", "Client Session: View Change Lockout", 2],
  ["client_session_eviction", "Client Session: Eviction", 2],
  ["alter_table_crash_recovery", "ALTER TABLE: Crash Recovery", 2],
];

/** They show that the checkers work, which few seeds do as well as many. */
const MUST_DETECT: readonly Row[] = [
  ["byzantine_view_change_merge", "Byzantine: View Change Merge", 0.5],
  ["byzantine_commit_desync", "Byzantine: Commit Desync", 0.5],
  ["byzantine_inflated_commit", "Byzantine: Inflated Commit", 0.5],
  ["byzantine_invalid_metadata", "Byzantine: Invalid Metadata", 0.5],
  ["byzantine_malicious_view_change", "Byzantine: Malicious View Change", 0.5],
  ["byzantine_leader_race", "Byzantine: Leader Race", 0.5],
  ["byzantine_dvc_tail_length_mismatch", "Byzantine: DVC Tail Length Mismatch", 0.5],
  ["byzantine_dvc_identical_claims", "Byzantine: DVC Identical Claims", 0.5],
  ["byzantine_oversized_start_view", "Byzantine: Oversized StartView", 0.5],
  ["byzantine_invalid_repair_range", "Byzantine: Invalid Repair Range", 0.5],
  ["byzantine_invalid_kernel_command", "Byzantine: Invalid Kernel Command", 0.5],
];

const scenarios = (rows: readonly Row[], expectation: ScenarioProfile["expectation"]): ScenarioProfile[] =>
  rows.map(([name, listedAs, weight]) => ({ name, weight, expectation, listed_as: listedAs }));

export const SCENARIOS: ScenarioProfile[] = [
  ...scenarios(MUST_PASS, "must-pass"),
  ...scenarios(MUST_DETECT, "must-detect"),
];

/** Listed by `--list-scenarios`, or once were, but `--scenario` has no name for them. */
export const WITHOUT_NAME: string[] = [
  "Byzantine: Replay Old View",
  "Byzantine: Corrupt Checksums",
  "Byzantine: View Change Blocking",
  "Byzantine: Prepare Flood",
  "Byzantine: Selective Silence",
  "Corruption: Torn Write Detection (M-8)",
  "Clock: Backward Jump",
  "Repair: Budget Prevents Storm",
  "Repair: EWMA Selection",
  "Repair: Sync Timeout",
  "Timeout: Primary Abdicate",
  "Timeout: Commit Stall",
  "Timeout: Ping Heartbeat",
  "Timeout: Commit Message Fallback",
  "Timeout: Start View Change Window",
  "Timeout: Comprehensive",
  "Scrub: Detects Corruption",
  "Scrub: Completes Tour",
  "Scrub: Rate Limited",
  "Scrub: Triggers Repair",
  "Reconfig: Add Replicas",
  "Reconfig: Remove Replicas",
  "Reconfig: During Partition",
  "Reconfig: During View Change",
  "Reconfig: Concurrent Requests",
  "Reconfig: Joint Quorum Validation",
  "Upgrade: Gradual Rollout",
  "Upgrade: With Failure",
  "Upgrade: Rollback",
  "Upgrade: Feature Activation",
  "Standby: Follows Log",
  "Standby: Promotion",
  "Standby: Read Scaling",
  "RBAC: Unauthorized Column Access",
  "RBAC: Role Escalation Attack",
  "RBAC: Row-Level Security",
  "RBAC: Audit Trail Complete",
  "Signature: Forged Message",
  "Signature: Tampered Content",
  "Signature: Unsigned Message",
  "Signature: Wrong Key",
  "Masking: Role Transition",
  "Erasure: Subject With Crash",
];
