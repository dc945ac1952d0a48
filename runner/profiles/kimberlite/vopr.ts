/** Kimberlite's simulator: how it is run, and the bug that is planted in it. */
import type { VoprProfile } from "../../../contracts/profile/vopr.ts";
import { SCENARIOS, WITHOUT_NAME } from "./scenarios.ts";

const PACKAGE = ["-p", "kimberlite-sim", "--bin", "vopr"];
/** Of its four canaries that are wired into the code, the one that every seed notices. */
const CANARY_FEATURE = "sim-canary-rng-unseeded";
const CANARY_TARGET_FOLDER = "target/kimtest-canary";
/**
 * Without the second flag almost every failing seed also counts as a determinism violation: the trace of a
 * failure holds wall-clock times, and traces are compared.
 */
const CHECK_DETERMINISM = ["--check-determinism", "--no-trace-on-failure"];

export const BUILD_VOPR = ["cargo", "build", "-vv", "--release", ...PACKAGE];
/** In a folder of its own: otherwise the two builds would throw each other's work away. */
export const BUILD_CANARY = [...BUILD_VOPR, "--features", CANARY_FEATURE, "--target-dir", CANARY_TARGET_FOLDER];

export const VOPR: VoprProfile = {
  command: ["target/release/vopr"],
  // --max-events is ignored beside --scenario, which has limits of its own.
  arguments: [],
  repro_command: `cargo run --release ${PACKAGE.join(" ")} --`,
  scenarios: SCENARIOS,
  scenario_list: { arguments: ["--list-scenarios"], format: "kimberlite", left_out: WITHOUT_NAME },
  seed_offset: 0n,
  batch: {
    first_iterations: 20,
    max_iterations: 100_000,
    target_seconds: 300,
    // The slowest scenario does five seeds a second on a large machine, and each twice for determinism.
    stall_seconds: 120,
    deadline_seconds: 3_600,
  },
  determinism: { share: 0.05, arguments: CHECK_DETERMINISM },
  canary: {
    name: CANARY_FEATURE,
    command: [`${CANARY_TARGET_FOLDER}/release/vopr`],
    scenario: "baseline",
    arguments: CHECK_DETERMINISM,
    iterations: 40,
  },
  critical_failures: 100,
};
