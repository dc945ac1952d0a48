/** Kimberlite's fuzz targets, and a crate with a planted crash that is built with the same toolchain. */
import type { CargoFuzzProfile } from "../../../contracts/profile/fuzz.ts";

/** By date, so that no build changes because a night has passed; infra/host/downloads.sh installs it. */
export const FUZZ_TOOLCHAIN = "nightly-2026-05-28";

const CARGO_TOML = `[package]
name = "planted-fuzz"
version = "0.0.0"
edition = "2021"
publish = false

[package.metadata]
cargo-fuzz = true

[dependencies]
libfuzzer-sys = "=0.4.12"

[workspace]

[[bin]]
name = "planted_crash"
path = "fuzz_targets/planted_crash.rs"
test = false
doc = false
bench = false
`;

/** A few comparisons deep, so that only a fuzzer that follows coverage finds it within its seconds. */
const PLANTED_CRASH = `#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.len() > 3 && data[0] == b'F' && data[1] == b'U' && data[2] == b'Z' {
        assert_ne!(data[3], b'Z', "planted");
    }
});
`;

export const FUZZ: CargoFuzzProfile = {
  tool: "cargo-fuzz",
  cargo: ["cargo", `+${FUZZ_TOOLCHAIN}`],
  folder: "fuzz",
  sanitizer: "address",
  targets: [
    "fuzz_wire_deserialize",
    "fuzz_wire_typed",
    "fuzz_wire_vsr",
    "fuzz_crypto_encrypt",
    "fuzz_sql_parser",
    "fuzz_sql_grammar",
    "fuzz_sql_metamorphic",
    "fuzz_sql_norec",
    "fuzz_sql_pqs",
    "fuzz_scalar_expr",
    "fuzz_storage_record",
    "fuzz_storage_decompress",
    "fuzz_superblock",
    "fuzz_kernel_command",
    "fuzz_vsr_protocol",
    "fuzz_vsr_typed",
    "fuzz_auth_token",
    "fuzz_rbac_rewrite",
    "fuzz_rbac_bypass",
    "fuzz_rbac_injection",
    "fuzz_abac_evaluator",
  ],
  // Programs that make seeds for a target, and no targets themselves.
  left_out: ["seed_sql_grammar"],
  timeout_seconds: 60,
  memory_mebibytes: 2_048,
  // They have inputs that take most of an hour each, and are right.
  target_limits: {
    fuzz_kernel_command: { timeout_seconds: 3_600, memory_mebibytes: 2_048 },
    fuzz_abac_evaluator: { timeout_seconds: 3_600, memory_mebibytes: 2_048 },
  },
  seed_folders: {
    fuzz_sql_parser: ["fuzz/corpus/fuzz_sql_parser_adversarial"],
    fuzz_sql_grammar: ["fuzz/corpus/fuzz_sql_grammar"],
  },
  build_deadline_seconds: 3_600,
  minimize_seconds: 600,
  canary: {
    files: { "Cargo.toml": CARGO_TOML, "fuzz_targets/planted_crash.rs": PLANTED_CRASH },
    folder: ".",
    target: "planted_crash",
    seconds: 60,
  },
};
