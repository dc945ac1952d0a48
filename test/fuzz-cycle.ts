/** Cycles of which only the fuzz phase is run, in this process, with test/fake-cargo-fuzz.js for cargo. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Parser } from "tar";
import type { Profile } from "../contracts/profile.ts";
import type { CargoFuzzProfile } from "../contracts/profile/fuzz.ts";
import type { FuzzResult } from "../contracts/results.ts";
import type { Workload } from "../contracts/workloads.ts";
import { runCycle, type CycleOutcome } from "../runner/cycle.ts";
import { openRunner } from "../runner/open-runner.ts";
import { noMetrics, type Metrics } from "../runner/platform/metrics.ts";
import { nobody } from "../runner/platform/progress.ts";
import { fakeProfile } from "./fake-profile.ts";
import type { Workbench } from "./workbench.ts";

/** See fake-cargo-fuzz.js. */
export interface FakeTarget {
  readonly build?: "fails" | number;
  readonly crashes?: number | "Infinity";
  readonly after_ms?: number;
  readonly input?: string;
  readonly kind?: "crash" | "timeout" | "oom" | "leak" | "slow-unit";
  readonly inputs?: number;
  readonly dies?: boolean;
  readonly ignores_inputs?: boolean;
  readonly merge?: "loses" | "stops";
}

export interface FakeCargo {
  readonly targets: Readonly<Record<string, FakeTarget>>;
  readonly list?: readonly string[];
  readonly no_fuzz?: boolean;
}

export const CANARY = { planted: { crashes: "Infinity" } } as const;

export type CargoProfile = Profile & { readonly fuzz: CargoFuzzProfile };

/** Fuzzes all targets of `cargo` but the canary, unless `change` says otherwise. */
export function cargoProfile(cargo: FakeCargo, change: Partial<CargoFuzzProfile> = {}): CargoProfile {
  const config = JSON.stringify({ ...cargo, targets: { ...CANARY, ...cargo.targets } });
  const program = fileURLToPath(new URL("fake-cargo-fuzz.js", import.meta.url));
  return {
    ...fakeProfile(),
    time_shares: { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 94, vopr: 1, digest: 2 },
    fuzz: {
      tool: "cargo-fuzz",
      cargo: ["env", `FAKE_CARGO=${config}`, process.execPath, program],
      folder: "fuzz",
      sanitizer: "address",
      targets: Object.keys(cargo.targets),
      left_out: ["planted"],
      timeout_seconds: 3,
      memory_mebibytes: 2048,
      target_limits: {},
      seed_folders: {},
      build_deadline_seconds: 20,
      minimize_seconds: 10,
      canary: { files: { "Cargo.toml": "[package]" }, folder: "fuzz", target: "planted", seconds: 3 },
      ...change,
    },
  };
}

export interface FuzzCycle {
  readonly outcome: CycleOutcome;
  /** Undefined when the phase left none. */
  readonly result: FuzzResult | undefined;
  readonly warnings: readonly string[];
}

const OTHERS: readonly Workload[] = ["formal-verification", "benchmarks", "vopr"];

export async function fuzzCycle(
  bench: Workbench,
  profile: Profile,
  {
    seconds = 10,
    store = bench.store,
    signal = new AbortController().signal,
    metrics = noMetrics,
  }: { seconds?: number; store?: string; signal?: AbortSignal; metrics?: Metrics } = {},
): Promise<FuzzCycle> {
  mkdirSync(bench.state, { recursive: true });
  const runner = await openRunner({
    store,
    stateFolder: bench.state,
    notifier: { notify: () => Promise.resolve() },
    metrics,
  });
  try {
    const outcome = await runCycle(runner.dependencies, {
      profile,
      budgetMs: seconds * 1000,
      workers: 2,
      statePath: runner.statePath,
      signal,
      spectator: nobody,
      skipped: new Map(OTHERS.map((workload) => [workload, "not of interest here"])),
    });
    const state = bench.cycleState();
    const result = state.results.find((one): one is FuzzResult => one.phase === "fuzz");
    return { outcome, result, warnings: state.warnings };
  } finally {
    await runner.close(1_000);
  }
}

/** The files of a tar.gz. */
export async function unpacked(archive: Buffer): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  const parser = new Parser({
    onReadEntry(entry) {
      const chunks: Buffer[] = [];
      entry.on("data", (chunk: Buffer) => chunks.push(chunk));
      entry.on("end", () => {
        files[entry.path] = Buffer.concat(chunks);
      });
    },
  });
  const done = new Promise((resolve, reject) => {
    parser.on("end", resolve).on("error", reject);
  });
  parser.end(archive);
  await done;
  return files;
}

export const artifactsOf = (bench: Workbench, target: string): string => join(bench.state, "fuzz", "artifacts", target);
export const corpusOf = (bench: Workbench, target: string): string => join(bench.state, "fuzz", "corpus", target);
