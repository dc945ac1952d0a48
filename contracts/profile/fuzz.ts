/** What is fuzzed. */
import { z } from "zod";
import { FUZZ_TARGET } from "../bucket.ts";
import { command, filesSchema, positive, relativePath } from "./parts.ts";

const target = z.string().regex(FUZZ_TARGET);
const targets = z.array(target).min(1);

const fastCheck = z.strictObject({
  tool: z.literal("fast-check"),
  command,
  targets,
  /** Broken on purpose; not one of the targets. */
  canary_target: target,
});

const inputLimits = {
  /** An input that takes longer is a finding (libFuzzer's -timeout). */
  timeout_seconds: z.int().positive(),
  /** A process that needs more is a finding (libFuzzer's -rss_limit_mb). */
  memory_mebibytes: z.int().positive(),
};

const cargoFuzz = z.strictObject({
  tool: z.literal("cargo-fuzz"),
  /** For example `cargo +nightly`; `fuzz` follows. */
  cargo: command,
  /** Of the fuzz crate, relative to the work tree. */
  folder: relativePath,
  sanitizer: z.enum(["address", "none"]),
  targets,
  /** What `cargo fuzz list` also shows and nobody fuzzes, on purpose. */
  left_out: z.array(target),
  ...inputLimits,
  /** Other limits for single targets. */
  target_limits: z.record(target, z.strictObject(inputLimits)),
  /** Folders with inputs to begin with, per target, relative to the work tree. */
  seed_folders: z.record(target, z.array(relativePath)),
  /** For one target. */
  build_deadline_seconds: positive,
  /** For all findings of one target together. */
  minimize_seconds: positive,
  /** A fuzz crate with a planted crash, built and run with the same toolchain; `files` holds its Cargo.toml. */
  canary: z.strictObject({ files: filesSchema, folder: relativePath, target, seconds: positive }),
});

export const fuzzProfileSchema = z.discriminatedUnion("tool", [fastCheck, cargoFuzz]);

export type FuzzProfile = z.infer<typeof fuzzProfileSchema>;
export type FastCheckProfile = z.infer<typeof fastCheck>;
export type CargoFuzzProfile = z.infer<typeof cargoFuzz>;
