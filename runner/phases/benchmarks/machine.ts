/** The machine that measures, and how quiet it is. */
import type { BenchmarkMachine } from "../../../contracts/benchmark-history.ts";
import { quietMoment, type QuietMoment } from "../../tools/machine-quietness.ts";
import { QUIET_LIMITS } from "../../statistics/quietness.ts";
import type { PhaseContext } from "../context.ts";

/** Part of the phase that may be spent on waiting for our own load to fade. */
const WAITING_SHARE = 0.1;

export function benchmarkMachine({ toolchain, machineType }: PhaseContext): BenchmarkMachine {
  const { cpu, architecture, cores } = toolchain;
  return { machine_type: machineType ?? cpu, cpu, architecture, cores };
}

export function waitForQuiet(context: PhaseContext): Promise<QuietMoment> {
  context.live.activity = "waiting for a quiet machine";
  const { clock, signal, toolchain, sampleMachine } = context;
  const quietLoad = QUIET_LIMITS.loadPerCore * toolchain.cores;
  const mayWaitMs = context.leftMs() * WAITING_SHARE;
  return quietMoment({ clock, signal, quietLoad, mayWaitMs, sample: sampleMachine });
}
