/**
 * What a profile needs of the machine it runs on, and what would be inconclusive without it: pure, but for the
 * `Machine`, which looks things up.
 */
import type { PhaseName } from "../../contracts/parts.ts";
import type { ProfileFile } from "../../contracts/profile.ts";
import type { ProofCheck } from "../../contracts/profile/formal-verification.ts";

export interface Requirement {
  readonly phase: PhaseName;
  /** The part of the phase that needs it. */
  readonly part: string;
  /** Programs that are looked up in PATH, or given by path. */
  readonly programs: readonly string[];
  /** That rustup must have: it fetches none that is asked for with a +. */
  readonly toolchains?: readonly string[];
  /** Undefined: any. */
  readonly architectures?: readonly string[];
}

export interface Gap {
  readonly phase: PhaseName;
  readonly part: string;
  readonly reason: string;
}

export interface Machine {
  /** Whether a program can be started. */
  has(program: string): Promise<boolean>;
  /** Whether rustup has it. */
  hasToolchain(name: string): Promise<boolean>;
}

type Needs = Pick<Requirement, "programs" | "toolchains">;

/** `cargo +TOOLCHAIN` only rustup understands. */
function toStart([program = "", word = ""]: readonly string[]): Needs {
  if (!/^(.*\/)?(cargo|rustc)$/.test(program) || !word.startsWith("+")) return { programs: [program] };
  return { programs: [program, "rustup"], toolchains: [word.slice(1)] };
}

/** `cargo NAME` is a program of its own. */
const subcommand = (cargo: readonly string[], name: string): string[] => [...toStart(cargo).programs, `cargo-${name}`];

export function requirementsOf(profile: ProfileFile): Requirement[] {
  const { repository, build, vopr } = profile;
  const builds = new Map((build?.steps ?? []).map((step) => [step.name, step]));
  const simulators = [vopr.command, ...(vopr.canary.command === undefined ? [] : [vopr.canary.command])];
  return [
    ...(repository === undefined ? [] : [{ phase: "prepare" as const, part: "repository", programs: ["git"] }]),
    ...[...builds.values()].map((step) => ({
      phase: "prepare" as const,
      part: `build ${step.name}`,
      ...toStart(step.command),
    })),
    ...proofsOf(profile),
    ...benchmarksOf(profile),
    ...fuzzOf(profile),
    // A simulator that is built is not looked for before it is.
    ...(builds.size > 0 ? [] : simulators).map((command) => ({
      phase: "vopr" as const,
      part: "simulator",
      programs: command.slice(0, 1),
    })),
  ];
}

function proofsOf({ formal_verification: proofs }: ProfileFile): Requirement[] {
  const phase = "formal-verification";
  if (proofs.tool === "explore") return [{ phase, part: "explore", programs: proofs.command.slice(0, 1) }];
  return [...proofs.checks, proofs.canary.check].map((check) => ({
    phase,
    part: check.name,
    programs: programsOf(check),
    architectures: check.architectures,
  }));
}

/** Programs that a check starts by name. */
export function programsOf(check: ProofCheck): string[] {
  if ("image" in check && check.image !== null) return ["docker"];
  switch (check.tool) {
    case "tlc":
    case "alloy":
      return [check.java];
    case "coq":
      return ["coqc"];
    case "ivy":
    case "tlaps":
      return check.program.slice(0, 1);
    case "kani":
      return subcommand([check.cargo], "kani");
  }
}

function benchmarksOf({ benchmarks }: ProfileFile): Requirement[] {
  const command = benchmarks.tool === "criterion" ? benchmarks.cargo : benchmarks.command;
  return [{ phase: "benchmarks", part: benchmarks.tool, ...toStart(command) }];
}

function fuzzOf({ fuzz }: ProfileFile): Requirement[] {
  const needs =
    fuzz.tool === "cargo-fuzz"
      ? { ...toStart(fuzz.cargo), programs: subcommand(fuzz.cargo, "fuzz") }
      : toStart(fuzz.command);
  return [{ phase: "fuzz", part: fuzz.tool, ...needs }];
}

export async function gapsOf(profile: ProfileFile, architecture: string, machine: Machine): Promise<Gap[]> {
  const gaps: Gap[] = [];
  for (const { phase, part, programs, toolchains = [], architectures } of requirementsOf(profile)) {
    if (architectures !== undefined && !architectures.includes(architecture)) {
      gaps.push({ phase, part, reason: `needs ${architectures.join(" or ")}, this machine is ${architecture}` });
      continue;
    }
    for (const program of programs)
      if (!(await machine.has(program))) gaps.push({ phase, part, reason: `${program} is not there` });
    for (const toolchain of toolchains)
      if (!(await machine.hasToolchain(toolchain)))
        gaps.push({ phase, part, reason: `rustup has no toolchain ${toolchain}` });
  }
  return gaps;
}
