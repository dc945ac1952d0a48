/**
 * Kimberlite's five Criterion suites and what each must measure: a group stands for all benchmarks in it. One that
 * is missing after a run is reported, so that a benchmark which silently stopped to exist is no green.
 *
 * `cargo bench -p kimberlite-bench --bench SUITE`; without `--bench` cargo also runs a suite that is not
 * Criterion's and needs Docker.
 */
import type { CriterionProfile } from "../../../contracts/profile/benchmarks.ts";

export const BENCHMARK_PACKAGE = "kimberlite-bench";

const SUITES = {
  crypto: [
    "blake3_hash",
    "chain_hash",
    "aes_gcm_encrypt",
    "aes_gcm_decrypt",
    "field_encryption",
    "ed25519_sign",
    "ed25519_verify",
    "key_generation",
  ],
  kernel: ["kernel_create_stream", "kernel_append_batch", "kernel_create_table", "kernel_insert", "kernel_state"],
  storage: ["storage_write", "storage_read", "storage_fsync", "storage_batch_write", "storage_sequential_read"],
  wire: ["frame_encode", "frame_decode", "request_serialize", "request_deserialize", "roundtrip"],
  end_to_end: ["full_write_path", "write_latency_distribution", "sustained_throughput", "littles_law"],
};

export const BENCHMARKS: CriterionProfile = {
  tool: "criterion",
  cargo: ["cargo"],
  package: BENCHMARK_PACKAGE,
  suites: SUITES,
  arguments: [],
  suite_deadline_seconds: 1_800,
  planted_slowdown: 0.1,
};

/** For building them without running them. */
export const BENCHMARK_SUITES: readonly string[] = Object.keys(SUITES);
