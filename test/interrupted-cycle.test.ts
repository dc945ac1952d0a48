/** Cycles of 48 hours in virtual time (virtual-time.ts): the time table, and what interruptions cost. */
import { expect, test } from "@jest/globals";
import type { CycleState } from "../contracts/cycle.ts";
import type { Digest } from "../contracts/digest.ts";
import type { MetricName } from "../contracts/metrics.ts";
import { fakeProfile } from "./fake-profile.ts";
import { openInProcess } from "./in-process-runner.ts";
import { RecordingMetrics } from "./recording-metrics.ts";
import { VirtualClock, virtualProcesses } from "./virtual-time.ts";
import { workbenches, type Workbench } from "./workbench.ts";

const workbench = workbenches();
/** Only what hangs reaches it: a slow disk makes a minute of these tests several. */
const LONG_MS = 900_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WORKERS = 2;
const SEED_MS = 30_000;
const FAIL_EVERY = 97n;
const BATCH_MS = 40 * MINUTE_MS;

const profile = (() => {
  const fake = fakeProfile();
  const batch = {
    ...fake.vopr.batch,
    first_iterations: 10,
    target_seconds: BATCH_MS / 1000,
    stall_seconds: 3_600,
    deadline_seconds: 14_400,
  };
  return {
    ...fake,
    time_shares: { prepare: 1, "formal-verification": 1, benchmarks: 1, fuzz: 4, vopr: 40, digest: 1 },
    vopr: { ...fake.vopr, batch, critical_failures: 1_000_000 },
  };
})();

interface Lived {
  readonly bench: Workbench;
  readonly digest: Digest;
  readonly state: CycleState;
  readonly interruptions: number;
}

interface Manner {
  readonly workers?: number;
  /** Interrupted when the next batch after the given time has been booked. */
  readonly betweenBatches?: boolean;
}

/** Calls back when a batch has been booked, before the next one is begun. */
class BookingMetrics extends RecordingMetrics {
  readonly #onBooked: () => void;

  constructor(onBooked: () => void) {
    super();
    this.#onBooked = onBooked;
  }

  override count(name: MetricName, value: number): void {
    super.count(name, value);
    if (name === "FailuresDetected") this.#onBooked();
  }
}

/** One cycle, interrupted at these times of working life. After each the machine is away for some hours. */
async function live(
  interruptionsMs: readonly number[],
  { workers = WORKERS, betweenBatches = false }: Manner = {},
): Promise<Lived> {
  const bench = workbench();
  const clock = new VirtualClock(Date.parse("2026-11-21T00:00:00Z"), 10 * MINUTE_MS);
  const processes = virtualProcesses(clock, { seedMs: SEED_MS, failEvery: FAIL_EVERY, exploreMs: 20 * MINUTE_MS });
  let workedMs = 0;
  for (const [index, atMs] of [...interruptionsMs, Infinity].entries()) {
    const stop = new AbortController();
    const over = new AbortController();
    const startedMs = clock.monotonicMs();
    const metrics = new BookingMetrics(() => {
      if (betweenBatches && workedMs + clock.monotonicMs() - startedMs >= atMs) stop.abort();
    });
    const runner = await openInProcess(bench, { clock, processes, metrics });
    if (atMs !== Infinity && !betweenBatches) {
      void clock.sleep(atMs - workedMs, over.signal).then(() => {
        stop.abort();
      });
    }
    const outcome = await clock.during(runner.cycle({ profile, budgetMs: 48 * HOUR_MS, workers, signal: stop.signal }));
    over.abort();
    await runner.close();
    workedMs += clock.monotonicMs() - startedMs;
    if (outcome.kind === "done") {
      return { bench, digest: outcome.digest, state: bench.cycleState(), interruptions: index };
    }
    clock.skip(HOUR_MS * (1 + index));
  }
  throw new Error("the cycle has not ended");
}

/** Every seed of a scenario has exactly one place: counted, or waiting in an open batch. */
function seedsOf({ state }: Lived, scenario: string) {
  const share = state.vopr?.scenarios[scenario];
  const progress = state.checkpoint.scenarios[scenario];
  if (share === undefined || progress === undefined) throw new Error(`${scenario} was not run`);
  const open = state.checkpoint.open.filter((batch) => batch.scenario === scenario);
  const waiting = open.flatMap(({ starting_seed: from, iterations }) =>
    Array.from({ length: iterations }, (_, index) => from + BigInt(index)),
  );
  const handedOut = Array.from(
    { length: Number(progress.next_seed - share.from_seed) },
    (_, index) => share.from_seed + BigInt(index),
  );
  const counted = handedOut.filter((seed) => !waiting.includes(seed));
  return { counted, iterations: share.iterations, failures: share.failures };
}

function expectEverySeedOnce(lived: Lived): void {
  for (const { name } of profile.vopr.scenarios) {
    const { counted, iterations, failures } = seedsOf(lived, name);
    expect([name, iterations]).toEqual([name, counted.length]);
    expect([name, failures]).toEqual([name, counted.filter((seed) => seed % FAIL_EVERY === 0n).length]);
  }
  const { digest, bench } = lived;
  expect(digest.vopr).toMatchObject({ verdict: "failed", inconclusive_seeds: 0 });
  expect(digest.interruptions).toBe(lived.interruptions);
  expect(bench.keys("failures/vopr").length).toBeGreaterThanOrEqual(digest.vopr.failures_total);
  expect(Object.values(digest.trust).flatMap(({ reason }) => reason ?? [])).toEqual([]);
}

const hours = (ms: number | undefined): number => (ms ?? 0) / HOUR_MS;

test(
  "the time table of 48 hours; interruptions in the marathon cost the batches that they cut, and nothing else",
  async () => {
    const calm = await live([]);
    const { spent_ms: spent } = calm.state;
    // What a phase leaves over goes to the marathon, which ends an hour before the cycle.
    expect(hours(spent["formal-verification"])).toBeCloseTo(20 / 60, 1);
    expect(hours(spent.benchmarks)).toBeLessThan(0.5);
    expect(hours(spent.fuzz)).toBeCloseTo(4, 0);
    const before =
      hours(spent.prepare) + hours(spent["formal-verification"]) + hours(spent.benchmarks) + hours(spent.fuzz);
    expect(before + hours(spent.vopr)).toBeGreaterThan(47 - 0.5);
    expect(before + hours(spent.vopr)).toBeLessThan(47 + hours(BATCH_MS));
    expectEverySeedOnce(calm);

    const rough = await live([7.3, 11.9, 12.1, 20.5, 33.3, 41.7].map((hour) => hour * HOUR_MS));
    expect(rough.interruptions).toBe(6);
    expectEverySeedOnce(rough);
    for (const phase of ["formal-verification", "benchmarks", "fuzz"] as const) {
      expect([phase, hours(rough.state.spent_ms[phase])]).toEqual([phase, hours(spent[phase])]);
      expect(rough.state.results.find((one) => one.phase === phase)?.verdict).toBe("passed");
    }
    const lost = calm.digest.vopr.iterations - rough.digest.vopr.iterations;
    const perBatch = BATCH_MS / SEED_MS;
    expect(lost).toBeGreaterThanOrEqual(0);
    // Six cuts of what the workers had in hand; a batch may be as much as a half longer than its aim.
    expect(lost).toBeLessThanOrEqual(6 * WORKERS * perBatch * 1.5);
  },
  LONG_MS,
);

test(
  "interruptions that cut no batch cost nothing: all totals are those of an uninterrupted cycle",
  async () => {
    const calm = await live([], { workers: 1 });
    const hoursOf = [7.3, 11.9, 12.1, 20.5, 33.3, 41.7].map((hour) => hour * HOUR_MS);
    const rough = await live(hoursOf, { workers: 1, betweenBatches: true });
    expect(rough.interruptions).toBe(6);
    expectEverySeedOnce(rough);
    const totals = ({ digest, state }: Lived) => ({
      iterations: digest.vopr.iterations,
      failures: digest.vopr.failures_total,
      scenarios: digest.vopr.scenarios,
      findings: digest.findings.map(({ signature, count_in_cycle: count }) => [signature, count]),
      spentMs: state.spent_ms,
    });
    expect(totals(rough)).toEqual(totals(calm));
  },
  LONG_MS,
);

/** Numerical Recipes' generator: the same hours in every run. */
function randomHours(seed: number, count: number): number[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => random() * 46).sort((a, b) => a - b);
}

test(
  "interruptions at random hours: every seed once, no phase without its result",
  async () => {
    // Fewer than three of these five fall into the same phase before the marathon, or it would be given up.
    const lived = await live(randomHours(2, 5).map((hour) => hour * HOUR_MS));
    expect(lived.interruptions).toBe(5);
    expectEverySeedOnce(lived);
    expect(lived.state.results.map(({ phase, verdict }) => [phase, verdict])).toEqual([
      ["prepare", "passed"],
      ["formal-verification", "passed"],
      ["benchmarks", "passed"],
      ["fuzz", "passed"],
      ["vopr", "failed"],
    ]);
    const total = Object.values(lived.state.spent_ms).reduce((sum, ms) => sum + ms, 0);
    // Time away does not count; the marathon ends where it should, a batch more or less.
    expect(hours(total)).toBeGreaterThan(46);
    expect(hours(total)).toBeLessThan(48);
  },
  LONG_MS,
);
