/** The profile of Kimberlite (https://github.com/kimberlitedb/kimberlite), whole: data, in parts beside this file. */
import type { ProfileFile } from "../../../contracts/profile.ts";
import type { Build } from "../../../contracts/profile/source.ts";
import { BENCHMARK_PACKAGE, BENCHMARK_SUITES, BENCHMARKS } from "./benchmarks.ts";
import { FUZZ, FUZZ_TOOLCHAIN } from "./fuzz.ts";
import { PROOFS } from "./proofs.ts";
import { BUILD_CANARY, BUILD_VOPR, VOPR } from "./vopr.ts";

const HOUR = 3_600;

/**
 * A database in C++ is compiled by one crate, and cargo prints nothing meanwhile: too long for the alarm that watches the
 * progress. With this and `-vv` each of its files is a line, as soon as it is begun.
 */
const SAY_WHAT_IS_COMPILED = { CC_ENABLE_DEBUG_OUTPUT: "1" };

const BUILD: Build = {
  steps: [
    // From nothing it takes most of an hour on four cores.
    {
      name: "vopr",
      command: BUILD_VOPR,
      folder: ".",
      deadline_seconds: 2 * HOUR,
      environment: SAY_WHAT_IS_COMPILED,
      needed_by: ["vopr"],
    },
    // Not needed to run VOPR: a canary that is not there is not found, and VOPR is shown as untrusted.
    {
      name: "vopr-canary",
      command: BUILD_CANARY,
      folder: ".",
      deadline_seconds: 2 * HOUR,
      environment: SAY_WHAT_IS_COMPILED,
      needed_by: ["vopr"],
      required: false,
    },
    {
      name: "benches",
      command: [
        "cargo",
        "bench",
        "-vv",
        "--no-run",
        "-p",
        BENCHMARK_PACKAGE,
        ...BENCHMARK_SUITES.flatMap((suite) => ["--bench", suite]),
      ],
      folder: ".",
      deadline_seconds: 2 * HOUR,
      environment: SAY_WHAT_IS_COMPILED,
      needed_by: ["benchmarks"],
    },
  ],
  versions: {
    rustc: ["rustc", "--version"],
    cargo: ["cargo", "--version"],
    "rustc-nightly": ["rustc", `+${FUZZ_TOOLCHAIN}`, "--version"],
    "cargo-fuzz": ["cargo", "fuzz", "--version"],
    java: ["java", "-version"],
    docker: ["docker", "--version"],
  },
  min_free_gibibytes: 15,
  prune: ["fuzz/target", "target/debug", "target/kimtest-canary", "target/criterion", "target"],
};

export function kimberliteProfile(): ProfileFile {
  return {
    name: "kimberlite",
    repository: { url: "https://github.com/kimberlitedb/kimberlite", reference: "main" },
    build: BUILD,
    duration_seconds: 48 * HOUR,
    // Hours of a cycle of 48: prepare, formal verification, benchmarks, fuzzing, the marathon, the digest.
    time_shares: { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 4, vopr: 40, digest: 1 },
    formal_verification: PROOFS,
    benchmarks: BENCHMARKS,
    fuzz: FUZZ,
    vopr: VOPR,
  };
}
