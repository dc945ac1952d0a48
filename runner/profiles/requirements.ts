/**
 * What a profile needs of the machine it runs on, and what would be inconclusive without it: pure, but for `has`,
 * which looks a program up.
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
  /** Undefined: any. */
  readonly architectures?: readonly string[];
}

export interface Gap {
  readonly phase: PhaseName;
  readonly part: string;
  readonly reason: string;
}

/** `cargo NAME` is a program of its own, and `cargo +TOOLCHAIN` only rustup understands. */
const subcommand = (cargo: readonly string[], name: string): string[] => [
  cargo[0] ?? "cargo",
  `cargo-${name}`,
  ...(cargo[1]?.startsWith("+") === true ? ["rustup"] : []),
];

export function requirementsOf(profile: ProfileFile): Requirement[] {
  const { repository, build, vopr } = profile;
  const builds = new Map((build?.steps ?? []).map((step) => [step.name, step]));
  const simulators = [vopr.command, ...(vopr.canary.command === undefined ? [] : [vopr.canary.command])];
  return [
    ...(repository === undefined ? [] : [{ phase: "prepare" as const, part: "repository", programs: ["git"] }]),
    ...[...builds.values()].map((step) => ({
      phase: "prepare" as const,
      part: `build ${step.name}`,
      programs: step.command.slice(0, 1),
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
  return [{ phase: "benchmarks", part: benchmarks.tool, programs: command.slice(0, 1) }];
}

function fuzzOf({ fuzz }: ProfileFile): Requirement[] {
  const programs = fuzz.tool === "cargo-fuzz" ? subcommand(fuzz.cargo, "fuzz") : fuzz.command.slice(0, 1);
  return [{ phase: "fuzz", part: fuzz.tool, programs }];
}

/** `has`: whether a program can be started here. */
export async function gapsOf(
  profile: ProfileFile,
  architecture: string,
  has: (program: string) => Promise<boolean>,
): Promise<Gap[]> {
  const gaps: Gap[] = [];
  for (const { phase, part, programs, architectures } of requirementsOf(profile)) {
    if (architectures !== undefined && !architectures.includes(architecture)) {
      gaps.push({ phase, part, reason: `needs ${architectures.join(" or ")}, this machine is ${architecture}` });
      continue;
    }
    for (const program of programs)
      if (!(await has(program))) gaps.push({ phase, part, reason: `${program} is not there` });
  }
  return gaps;
}
