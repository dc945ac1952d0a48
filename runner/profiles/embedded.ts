/**
 * The embedded profile: this project tests its own simulator, parsers and replica code. Needs nothing but Node.
 *
 * The programs are started from where this very code came from: TypeScript sources in a checkout,
 * bundles beside the bundle of the CLI.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RELEASE_COMMIT_FILE } from "../../contracts/defaults.ts";
import type { Profile } from "../../contracts/profile.ts";
import type { TinybenchProfile } from "../../contracts/profile/benchmarks.ts";
import type { ExploreProfile } from "../../contracts/profile/formal-verification.ts";
import type { FastCheckProfile } from "../../contracts/profile/fuzz.ts";

/** A profile of programs that print JSON, and of nothing to fetch or build. */
export type EmbeddedProfile = Profile & {
  readonly formal_verification: ExploreProfile;
  readonly benchmarks: TinybenchProfile;
  readonly fuzz: FastCheckProfile;
};

const FROM_SOURCE = import.meta.url.endsWith(".ts");

const PROGRAMS = {
  vopr: "sim/vopr",
  explore: "sim/explore",
  fuzz: "embedded/fuzz",
  bench: "embedded/bench",
} as const;

/** Where the bundles lie. The bundler puts this module into a chunk below them, or into one of them. */
const BUNDLES = new URL(import.meta.url.includes("/chunks/") ? "../" : "./", import.meta.url);

function command(program: keyof typeof PROGRAMS): string[] {
  const url = FROM_SOURCE
    ? new URL(`../../${PROGRAMS[program]}.ts`, import.meta.url)
    : new URL(`${program}.js`, BUNDLES);
  return [process.execPath, fileURLToPath(url)];
}

const CHECKOUT = fileURLToPath(FROM_SOURCE ? new URL("../../", import.meta.url) : new URL("../", BUNDLES));
const BUNDLE = fileURLToPath(BUNDLES);
/** The checkout, or the bundle as it was delivered to a machine, which says its commit itself. */
const ROOT = !FROM_SOURCE && existsSync(join(BUNDLE, RELEASE_COMMIT_FILE)) ? BUNDLE : CHECKOUT;

/** What a cycle of 90 seconds has no room for; `kimtest vopr --scenario NAME` runs them. */
const LEFT_OUT = [
  "multi-tenant",
  "time-compression",
  "byzantine_view_change_merge",
  "byzantine_commit_desync",
  "byzantine_inflated_commit",
  "byzantine_invalid_metadata",
  "byzantine_malicious_view_change",
  "byzantine_leader_race",
  "byzantine_dvc_tail_length_mismatch",
  "byzantine_dvc_identical_claims",
  "byzantine_oversized_start_view",
  "byzantine_invalid_repair_range",
  "byzantine_invalid_kernel_command",
  "corruption_bit_flip",
  "corruption_checksum_validation",
  "corruption_silent_disk_failure",
  "crash_during_commit",
  "crash_during_view_change",
  "recovery_corrupt_log",
  "gray_failure_slow_disk",
  "gray_failure_intermittent_network",
  "race_concurrent_view_changes",
  "race_commit_during_dvc",
  "clock_drift",
  "clock_offset_exceeded",
  "clock_ntp_failure",
  "client_session_crash",
  "client_session_view_change_lockout",
  "client_session_eviction",
];

/** Each costs another run of its seed. A bug is understood from one; the others tell whether it always comes the same way. */
const BUNDLES_PER_SIGNATURE = 3;

export function embeddedProfile(): EmbeddedProfile {
  return {
    name: "embedded",
    work_tree: ROOT,
    duration_seconds: 90,
    // Shares are limits: what the small workloads leave over (most of it, on most machines) goes to the marathon.
    time_shares: { prepare: 1, "formal-verification": 20, benchmarks: 6, fuzz: 10, vopr: 51, digest: 2 },
    formal_verification: {
      tool: "explore",
      command: command("explore"),
      arguments: [],
      repro_command: "node sim/explore.ts",
      canary: { name: "skip-fsync", arguments: ["--canary", "skip-fsync"] },
    },
    benchmarks: { tool: "tinybench", command: command("bench") },
    fuzz: {
      tool: "fast-check",
      command: command("fuzz"),
      repro_command: "npx node embedded/fuzz.ts",
      targets: ["json", "vopr-records", "bucket-keys", "lines", "seeds", "retries"],
      canary_target: "canary",
    },
    vopr: {
      command: command("vopr"),
      arguments: [],
      repro_command: "npx kimtest vopr",
      // Scenarios that differ in their faults; combined has all of them. A liar is seen lying within a second.
      scenarios: [
        { name: "baseline", weight: 1, expectation: "must-pass" },
        { name: "swizzle", weight: 3, expectation: "must-pass" },
        { name: "gray", weight: 3, expectation: "must-pass" },
        { name: "multi-tenant", weight: 3, expectation: "must-pass" },
        { name: "combined", weight: 8, expectation: "must-pass" },
        { name: "corruption_checksum_validation", weight: 2, expectation: "must-pass" },
        { name: "crash_during_view_change", weight: 2, expectation: "must-pass" },
        { name: "race_concurrent_view_changes", weight: 2, expectation: "must-pass" },
        { name: "clock_ntp_failure", weight: 2, expectation: "must-pass" },
        { name: "client_session_eviction", weight: 2, expectation: "must-pass" },
        { name: "byzantine_view_change_merge", weight: 0.2, expectation: "must-detect" },
        { name: "byzantine_inflated_commit", weight: 0.2, expectation: "must-detect" },
        { name: "byzantine_invalid_metadata", weight: 0.2, expectation: "must-detect" },
        { name: "byzantine_leader_race", weight: 0.2, expectation: "must-detect" },
      ],
      scenario_list: { arguments: ["--list-scenarios", "--json"], format: "json", left_out: LEFT_OUT },
      seed_offset: 0n,
      batch: {
        first_iterations: 250,
        max_iterations: 100_000,
        target_seconds: 60,
        stall_seconds: 20,
        deadline_seconds: 1_800,
      },
      determinism: { share: 0.05, arguments: ["--check-determinism", "--no-trace-on-failure"] },
      bundles: {
        arguments: ["--bundle-out", "DIR", "--max-bundles-per-invariant", String(BUNDLES_PER_SIGNATURE)],
        per_signature: BUNDLES_PER_SIGNATURE,
      },
      canary: { name: "skip-fsync", scenario: "combined", arguments: ["--canary", "skip-fsync"], iterations: 60 },
      critical_failures: 100,
    },
  };
}
