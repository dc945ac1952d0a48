/** Criterion benchmarks on a workbench: what its suites measure, on a machine as quiet as the test says. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchmarksKey } from "../contracts/bucket.ts";
import { benchmarkHistorySchema, type BenchmarkHistory, type BenchmarkRun } from "../contracts/benchmark-history.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { Profile } from "../contracts/profile.ts";
import type { CycleOptions, CycleOutcome, Workload } from "../runner/cycle.ts";
import type { RunnerDependencies } from "../runner/platform/dependencies.ts";
import type { MachineSample } from "../runner/platform/machine-sample.ts";
import { withRun } from "../runner/statistics/history.ts";
import { MACHINE, nameOf } from "../runner/statistics/runs.fixture.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile } from "./fake-profile.ts";
import { openInProcess } from "./in-process-runner.ts";
import type { Workbench } from "./workbench.ts";

export interface SuiteBehaviour {
  readonly levels?: Readonly<Record<string, number>>;
  readonly exit?: number;
  readonly says?: string;
  readonly hang?: boolean;
  readonly once?: string;
}

const levelsPath = (bench: Workbench): string => join(bench.folder, "levels.json");

/** Ten benchmarks of the names that `historyOf` gives, at 1000 ns, some of them at another level. */
export const levels = (other: Readonly<Record<string, number>> = {}): Record<string, number> => ({
  ...Object.fromEntries(Array.from({ length: 10 }, (_, index) => [nameOf(index), 1000])),
  ...other,
});

/** What the suites do from now on. */
export function behave(bench: Workbench, suites: Readonly<Record<string, SuiteBehaviour>>): void {
  writeFileSync(levelsPath(bench), JSON.stringify(suites));
}

export function criterionProfile(bench: Workbench, expected: Readonly<Record<string, string[]>>): Profile {
  return {
    ...fakeProfile(),
    name: "criterion",
    time_shares: { prepare: 1, "formal-verification": 1, benchmarks: 100, fuzz: 1, vopr: 1, digest: 1 },
    benchmarks: {
      tool: "criterion",
      cargo: [process.execPath, fileURLToPath(new URL("fake-cargo-bench.js", import.meta.url)), levelsPath(bench)],
      package: "bench",
      suites: expected,
      arguments: [],
      suite_deadline_seconds: 60,
      planted_slowdown: 0.1,
    },
  };
}

const OTHERS: readonly Workload[] = ["formal-verification", "fuzz", "vopr"];

/** One cycle of nothing but benchmarks, on the machine of `historyOf`. */
export async function benchmarkCycle(
  bench: Workbench,
  profile: Profile,
  options: { readonly change?: Partial<RunnerDependencies> } & Partial<CycleOptions> = {},
): Promise<CycleOutcome> {
  const { change, ...more } = options;
  const { machine_type: machineType, cpu, architecture, cores } = MACHINE;
  const runner = await openInProcess(bench, {
    sampleMachine: machineWith({ busy: 0.02 }),
    machineType: () => Promise.resolve(machineType),
    toolchain: { node: "v24", platform: "linux", architecture, cpu, cores },
    ...change,
  });
  try {
    const skipped = new Map(OTHERS.map((workload) => [workload, "only benchmarks here"]));
    return await runner.cycle({ profile, budgetMs: 60_000, skipped, ...more });
  } finally {
    await runner.close();
  }
}

/** A machine on which others use so much of its CPU time, and a hypervisor takes so much. */
export function machineWith({ busy = 0, steal = 0, load = 0.1 }): () => Promise<MachineSample> {
  let total = 0;
  return () => {
    total += 1_000;
    return Promise.resolve({
      loadAverage: load,
      ticks: { total, idle: total * (1 - busy), stolen: total * steal },
    });
  };
}

/** Puts runs into the store as the cycles before would have. */
export function seed(bench: Workbench, runs: readonly BenchmarkRun[]): void {
  const days = new Map<string, BenchmarkHistory>();
  for (const run of runs) {
    const key = benchmarksKey(new Date(run.started_at));
    days.set(key, withRun(days.get(key), run));
  }
  for (const [key, day] of days) put(bench, key, stringifyJson(day));
}

export function put(bench: Workbench, key: string, text: string): void {
  const path = join(bench.store, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The runs of today, by the store. */
export function today(bench: Workbench): BenchmarkHistory {
  const key = benchmarksKey(new Date());
  return decodeJson(readFileSync(join(bench.store, key), "utf8"), key, benchmarkHistorySchema);
}
