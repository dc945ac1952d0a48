/**
 * The mutation matrix: every bug that the vopr of a profile can plant, each hunted by real processes in the
 * scenario it does harm in (mutation testing; DeMillo, Lipton and Sayward, 1978).
 *
 * Found is a canary that the invariant meant for it has failed in, in a batch that was judged whole. One that only
 * other invariants see survives: then nobody has seen the one meant for it fail.
 */
import { canaryListSchema, type CanaryHunt, type CanaryMatrix, type PlantedCanary } from "../../../contracts/canary.ts";
import { DETERMINISM } from "../../../contracts/determinism.ts";
import { KimtestError } from "../../../contracts/errors.ts";
import type { Profile } from "../../../contracts/profile.ts";
import type { Processes } from "../../platform/processes.ts";
import { together } from "../../platform/together.ts";
import { runJsonProgram } from "../../tools/json-program.ts";
import { plantedCommand } from "../../tools/vopr.ts";
import { runVopr } from "../../tools/vopr-run.ts";

/** Seeds per batch, until it is found: most canaries are found in the first, and a long batch is in vain then. */
const BATCHES = [20, 80, 200];
export const MAX_SEEDS = BATCHES.reduce((sum, seeds) => sum + seeds, 0);
const LIST_DEADLINE_MS = 60_000;

export interface MatrixOptions {
  readonly processes: Processes;
  readonly profile: Profile;
  readonly workers: number;
  /** Each canary has so long. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** What the vopr of the profile can plant. @throws KimtestError `TOOL_MISSING` when it cannot say */
export async function listCanaries({ processes, profile, signal }: MatrixOptions): Promise<readonly PlantedCanary[]> {
  const { value, problem } = await runJsonProgram(
    processes,
    {
      command: [...profile.vopr.command, "--list-canaries", "--json"],
      cwd: profile.work_tree,
      deadlineMs: LIST_DEADLINE_MS,
      signal,
      onProgress: () => undefined,
    },
    canaryListSchema,
    [0],
  );
  if (value !== undefined) return value.canaries;
  signal.throwIfAborted();
  throw new KimtestError("TOOL_MISSING", `the vopr of profile ${profile.name} lists no canaries: ${problem ?? ""}`, {
    hint: `"${[...profile.vopr.command, "--list-canaries", "--json"].join(" ")}" must print what docs/schemas/CanaryList.json describes`,
  });
}

/** Hunts them all, in the order given; @throws the signal's reason when it was stopped under it. */
export async function huntCanaries(canaries: readonly PlantedCanary[], options: MatrixOptions): Promise<CanaryHunt[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const hunts = new Map<string, CanaryHunt>();
  const waiting = [...canaries];
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      hunts.set(next.name, await hunt(next, { ...options, signal }));
    }
  }
  const workers = Math.max(1, Math.min(options.workers, canaries.length));
  await together(Array.from({ length: workers }, work), () => {
    failed.abort();
  });
  options.signal.throwIfAborted();
  return canaries.map(({ name }) => hunts.get(name)!);
}

async function hunt(canary: PlantedCanary, options: MatrixOptions): Promise<CanaryHunt> {
  const { processes, profile, deadlineMs, signal } = options;
  const { vopr } = profile;
  const { name, finds: meant, scenario } = canary;
  const startedMs = performance.now();
  const secondsNow = (): number => (performance.now() - startedMs) / 1000;
  const failedBy: Record<string, number> = {};
  let first: { seed: bigint; seconds: number } | undefined;
  const failedIn = (seed: bigint, invariant: string): void => {
    failedBy[invariant] = (failedBy[invariant] ?? 0) + 1;
    if (invariant === meant) first ??= { seed, seconds: secondsNow() };
  };
  const result = (status: CanaryHunt["status"], tried: number, reason: string | null): CanaryHunt => {
    const seed = first?.seed ?? null;
    const shown = { startingSeed: seed ?? vopr.seed_offset, iterations: seed === null ? Math.max(1, tried) : 1 };
    return {
      canary: name,
      scenario,
      meant,
      status,
      failed_by: failedBy,
      seed,
      seeds_tried: tried,
      seconds: first?.seconds ?? secondsNow(),
      repro: plantedCommand(vopr, canary, shown).repro,
      reason,
    };
  };

  let tried = 0;
  for (const iterations of BATCHES) {
    const range = { startingSeed: vopr.seed_offset + BigInt(tried), iterations };
    const { verdict } = await runVopr(processes, {
      command: plantedCommand(vopr, canary, range).command,
      cwd: profile.work_tree,
      range,
      deadlineMs: Math.max(0, deadlineMs - secondsNow() * 1000),
      stallMs: vopr.batch.stall_seconds * 1000,
      signal,
      onRecord: ({ type, data }) => {
        if (type === "iteration" && data.status === "failed") failedIn(data.seed, data.invariant);
        return undefined;
      },
    });
    if (verdict.verdict === "inconclusive") {
      first = undefined; // what a broken run showed is no evidence
      return result("inconclusive", tried, verdict.reason);
    }
    for (const seed of verdict.silentFailures) failedIn(seed, DETERMINISM);
    if (first !== undefined) return result("found", Number(first.seed - vopr.seed_offset) + 1, null);
    tried += iterations;
  }
  return result("survived", tried, survival(meant, failedBy, tried));
}

function survival(meant: string, failedBy: Readonly<Record<string, number>>, tried: number): string {
  const others = Object.entries(failedBy).map(([invariant, seeds]) => `${invariant} in ${String(seeds)}`);
  const seen = others.length === 0 ? "" : `; others saw it: ${others.join(", ")}`;
  return `none of ${String(tried)} seeds failed by ${meant}${seen}`;
}

/** The counts of a matrix, and the score that is found / planted. */
export function scoreOf(
  hunts: readonly CanaryHunt[],
): Pick<CanaryMatrix, "planted" | "found" | "survived" | "inconclusive" | "mutation_score"> {
  const of = (wanted: CanaryHunt["status"]): number => hunts.filter(({ status }) => status === wanted).length;
  const planted = hunts.length;
  const found = of("found");
  return {
    planted,
    found,
    survived: of("survived"),
    inconclusive: of("inconclusive"),
    mutation_score: planted === 0 ? null : found / planted,
  };
}
