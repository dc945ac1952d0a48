/**
 * The adapter of cargo-fuzz (https://github.com/rust-fuzz/cargo-fuzz): which targets there are, and their
 * builds. Fuzzing itself is libfuzzer.ts.
 *
 * A target that was in the list of the first infrastructure, but not in Cargo.toml, was reported with
 * "0 crashes" for 39 days. Here the list comes from `cargo fuzz list`, differences from the profile are
 * reported, each target is built apart, and what did not build is inconclusive.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { inconclusive, PASSED, type Judgement } from "../../contracts/verdict.ts";
import type { Processes } from "../platform/processes.ts";
import { compilerErrorIn } from "./compiler-error.ts";
import { inputLimits, type LibFuzzerOptions } from "./libfuzzer.ts";
import type { ToolLimits } from "./proof.ts";
import { notByItself, runTool, type ToolOptions, type ToolOutput } from "./tool-run.ts";

export interface CargoFuzz {
  /** For example cargo +nightly */
  readonly cargo: readonly string[];
  /** The root of the checkout, where `cargo fuzz` is started. */
  readonly folder: string;
  /** Relative to `folder`, usually fuzz. */
  readonly fuzzFolder: string;
  /** Absolute; of its own, so that the path of an executable is known. */
  readonly buildFolder: string;
  /** From `hostTriple`. */
  readonly triple: string;
  readonly sanitizer: "address" | "none";
}

export const listCommand = ({ cargo, fuzzFolder }: Pick<CargoFuzz, "cargo" | "fuzzFolder">): string[] => [
  ...[...cargo, "fuzz", "list", "--fuzz-dir", fuzzFolder],
];

export const buildCommand = (options: CargoFuzz, target: string): string[] => [
  ...[...options.cargo, "fuzz", "build", "--fuzz-dir", options.fuzzFolder, "--target-dir", options.buildFolder],
  ...["--target", options.triple, "--sanitizer", options.sanitizer, target],
];

/** What a person types at the root of a checkout to build or run a target. */
export const typedCommand = (
  { cargo, fuzzFolder, sanitizer }: Pick<CargoFuzz, "cargo" | "fuzzFolder" | "sanitizer">,
  action: "build" | "run",
  target: string,
): string[] => [
  ...[...cargo, "fuzz", action],
  ...(fuzzFolder === "fuzz" ? [] : ["--fuzz-dir", fuzzFolder]),
  ...(sanitizer === "address" ? [] : ["--sanitizer", sanitizer]),
  target,
];

/** The same to run one input again. */
export const runInputCommand = (
  tool: Pick<CargoFuzz, "cargo" | "fuzzFolder" | "sanitizer">,
  target: string,
  input: string,
  { timeoutSeconds, memoryMebibytes }: Pick<LibFuzzerOptions, "timeoutSeconds" | "memoryMebibytes">,
): string[] => [
  ...typedCommand(tool, "run", target),
  ...[input, "--", ...inputLimits({ timeoutSeconds, memoryMebibytes })],
];

/** With the version of the toolchain comes the host's triple. */
export const versionCommand = ({ cargo }: Pick<CargoFuzz, "cargo">): string[] => [...cargo, "version", "-v"];

export const executableOf = ({ buildFolder, triple }: CargoFuzz, target: string): string =>
  join(buildFolder, triple, "release", target);

/** Sanitizer settings that cargo-fuzz itself would set, and a stack trace where the sanitizer gives none. */
export const FUZZ_ENVIRONMENT = { ASAN_OPTIONS: "detect_odr_violation=0", RUST_BACKTRACE: "1" } as const;

export type Listed = { readonly targets: readonly string[] } | { readonly problem: string };

export function judgeList(output: ToolOutput): Listed {
  const ended = notByItself(output);
  if (ended !== undefined) return { problem: ended };
  const { exitCode } = output.end;
  if (exitCode !== 0) return { problem: `exit code ${String(exitCode)}${compilerErrorIn(output.text)}` };
  const lines = output.text.split("\n").filter((line) => line.trim() !== "");
  const strange = lines.find((line) => !/^[\w-]+$/.test(line));
  if (strange !== undefined) return { problem: `"${strange.slice(0, 80)}" is not the name of a target` };
  return lines.length === 0 ? { problem: "there is no target" } : { targets: lines };
}

export interface TargetPlan {
  /** In the order of the profile. */
  readonly fuzz: readonly string[];
  /** In the profile, but not in `cargo fuzz list`: inconclusive, never "0 crashes". */
  readonly missing: readonly string[];
  /** In `cargo fuzz list`, but neither fuzzed nor left out on purpose: nobody fuzzes them. */
  readonly forgotten: readonly string[];
}

/** `leftOut`: binaries of the fuzz crate that are no targets, or not fuzzed on purpose. */
export function planTargets(
  listed: readonly string[],
  wanted: readonly string[],
  leftOut: readonly string[],
): TargetPlan {
  return {
    fuzz: wanted.filter((target) => listed.includes(target)),
    missing: wanted.filter((target) => !listed.includes(target)),
    forgotten: listed.filter((target) => !wanted.includes(target) && !leftOut.includes(target)),
  };
}

/** `isThere`: the executable exists. Passed means built, no more. */
export function judgeBuild(output: ToolOutput, isThere: boolean): Judgement {
  const ended = notByItself(output);
  if (ended !== undefined) return inconclusive(`build: ${ended}`);
  const { exitCode } = output.end;
  if (exitCode !== 0) return inconclusive(`build: exit code ${String(exitCode)}${compilerErrorIn(output.text)}`);
  return isThere ? PASSED : inconclusive("build: exit code 0, but there is no executable");
}

/** For example x86_64-unknown-linux-gnu, from `rustc -vV` of the same toolchain. */
export function hostTriple(rustcVersion: string): string | undefined {
  return /^host: (\S+)$/m.exec(rustcVersion)?.[1];
}

export async function listTargets(processes: Processes, options: CargoFuzz, limits: ToolLimits): Promise<Listed> {
  return judgeList(await runTool(processes, { ...limits, command: listCommand(options), cwd: options.folder }));
}

export interface FuzzBuild {
  readonly judgement: Judgement;
  readonly durationMs: number;
  readonly log: string;
}

export async function buildTarget(
  processes: Processes,
  options: CargoFuzz,
  target: string,
  limits: ToolLimits & Pick<ToolOptions, "watch">,
): Promise<FuzzBuild> {
  const command = buildCommand(options, target);
  const output = await runTool(processes, { ...limits, command, cwd: options.folder });
  const isThere = await stat(executableOf(options, target)).then(
    (found) => found.isFile(),
    () => false,
  );
  return { judgement: judgeBuild(output, isThere), durationMs: output.end.durationMs, log: output.text };
}
