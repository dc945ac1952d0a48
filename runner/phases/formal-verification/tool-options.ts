/** From a check as the profile writes it to the options of its adapter. */
import type { ProofCheck } from "../../../contracts/profile/formal-verification.ts";
import type { AlloyOptions } from "../../tools/alloy.ts";
import type { KaniOptions } from "../../tools/kani.ts";
import type { TlapsOptions } from "../../tools/tlaps.ts";
import type { TlcOptions } from "../../tools/tlc.ts";

type CheckOf<Tool extends ProofCheck["tool"]> = Extract<ProofCheck, { tool: Tool }>;

export const tlcOptions = (check: CheckOf<"tlc">, folder: string, jar: string): TlcOptions => ({
  java: check.java,
  jar,
  folder,
  specification: check.specification,
  configuration: check.configuration,
  workers: check.workers,
  checksDeadlock: check.checks_deadlock,
  maxHeapMebibytes: check.max_heap_mebibytes,
  arguments: check.arguments,
});

export const alloyOptions = (check: CheckOf<"alloy">, folder: string, jar: string): AlloyOptions => ({
  java: check.java,
  jar,
  folder,
  specification: check.specification,
  maxHeapMebibytes: check.max_heap_mebibytes,
  unsatisfiableRuns: check.unsatisfiable_runs,
});

export const tlapsOptions = (check: CheckOf<"tlaps">, folder: string, folderInside: string): TlapsOptions => ({
  program: check.program,
  folder,
  folderInside,
  module: check.module,
  stretch: check.stretch,
  allowedOmitted: check.allowed_omitted,
});

export const kaniOptions = (check: CheckOf<"kani">): KaniOptions => ({
  cargo: check.cargo,
  unwind: check.unwind,
  jobs: check.jobs,
  checksUnwinding: check.checks_unwinding,
  arguments: check.arguments,
});
