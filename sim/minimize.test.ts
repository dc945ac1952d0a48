import { describe, expect, test } from "@jest/globals";
import { CANARIES } from "./canaries.ts";
import { bundleOf, encodeBundle } from "./bundle.ts";
import { decodeBundle } from "./bundle-reader.ts";
import { bundleOfCanary, bundleOfSeed, runOf } from "./failures.fixture.ts";
import type { Limits } from "./limits.ts";
import { minimize } from "./minimize.ts";
import { Trace } from "./trace.ts";

const LIMITS: Limits = { maxRuns: 10_000, maxMs: Infinity, monotonicMs: () => 0 };
const QUARTER = 0.25;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

describe("minimize", () => {
  test("the failures of all canaries: in the median a quarter of events and of decisions, each still fails alike", async () => {
    const minimising = CANARIES.filter(({ finds }) => finds !== "determinism").map(async ({ name }) => {
      const bundle = bundleOfCanary(name);
      const run = runOf(bundle);
      const { log, result, complete } = await minimize(run, LIMITS);
      expect([name, complete, result.failure?.invariant]).toEqual([name, true, bundle.failure.invariant]);
      // Less to read, not only less to list.
      expect(result.events).toBeLessThanOrEqual(bundle.events);
      // Written, read and run again it is the same: a bundle like any other.
      const trace = new Trace();
      const again = run.following(log, trace);
      const written = decodeBundle(encodeBundle(bundleOf(bundle, again, trace, log)), name);
      expect(runOf(written).again()).toEqual(result);
      return {
        name,
        events: result.events / bundle.events,
        decisions: log.taken.length / bundle.decisions!.taken.length,
      };
    });
    const ratios = await Promise.all(minimising);
    const events = median(ratios.map((ratio) => ratio.events));
    const decisions = median(ratios.map((ratio) => ratio.decisions));
    const rows = ratios.map((ratio) => `${ratio.name} ${ratio.events.toFixed(2)} ${ratio.decisions.toFixed(2)}`);
    process.stdout.write(
      `minimised, left of events and decisions: ${rows.join("; ")}; ` +
        `median of ${ratios.length}: ${events.toFixed(3)} and ${decisions.toFixed(3)}\n`,
    );
    expect(ratios.length).toBeGreaterThanOrEqual(10);
    expect(events).toBeLessThanOrEqual(QUARTER);
    expect(decisions).toBeLessThanOrEqual(QUARTER);
  }, 120_000);

  test("nothing that is left can be left out alone without the failure changing or taking longer", async () => {
    const bundle = bundleOfCanary("stale-index");
    const run = runOf(bundle);
    const { log, result } = await minimize(run, LIMITS);
    expect(log.taken.length).toBeGreaterThan(1);
    for (const decision of log.taken) {
      const less = run.following({ ...log, taken: log.taken.filter((other) => other !== decision) });
      expect(run.isSame(less) && less.events <= result.events).toBe(false);
    }
  });

  test("the same bundle gives the same result", async () => {
    const bundle = bundleOfCanary("skip-fsync");
    const [one, other] = [await minimize(runOf(bundle), LIMITS), await minimize(runOf(bundle), LIMITS)];
    expect(other).toEqual(one);
    expect(one.log.taken.length).toBeLessThan(20);
  });

  test("a limit ends it with what there is, and it says so", async () => {
    const bundle = bundleOfCanary("skip-fsync");
    const few = await minimize(runOf(bundle), { ...LIMITS, maxRuns: 40 });
    expect([few.complete, few.runs]).toEqual([false, 40]);
    expect(few.result.failure?.invariant).toBe(bundle.failure.invariant);
    expect(few.log.taken.length).toBeLessThan(bundle.decisions!.taken.length);
    let nowMs = 0;
    const short = await minimize(runOf(bundle), { ...LIMITS, maxMs: 10, monotonicMs: () => (nowMs += 1) });
    expect([short.complete, short.runs < 10]).toEqual([false, true]);
  });

  test("a stop ends it with the smallest so far", async () => {
    const bundle = bundleOfCanary("skip-fsync");
    let asked = 0;
    const stopped = await minimize(runOf(bundle), LIMITS, () => Promise.resolve((asked += 1) > 40));
    expect([stopped.complete, stopped.runs, asked]).toEqual([false, 40, 41]);
    const limited = await minimize(runOf(bundle), { ...LIMITS, maxRuns: 40 });
    expect([stopped.log, stopped.result]).toEqual([limited.log, limited.result]);
  });

  test("a bundle that does not fail as it says is refused, with the commit it was written at", async () => {
    const bundle = bundleOfSeed(["--scenario", "leader-race"], 5);
    const other = { ...bundle, failure: { invariant: "hash_chain", message: "" }, commit: "abc" };
    await expect(minimize(runOf(other), LIMITS)).rejects.toMatchObject({
      code: "USAGE",
      message: "the bundle has hash_chain, but its run fails by vsr_prefix_property with this program",
      hint: "it was written at commit abc; use that one",
    });
  });
});
