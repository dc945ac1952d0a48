import { describe, expect, test } from "@jest/globals";
import { bisect } from "./bisect.ts";
import { bundleOfCanary, bundleOfSeed, runOf } from "./failures.fixture.ts";
import type { Limits } from "./limits.ts";

const LIMITS: Limits = { maxRuns: 10_000, maxMs: Infinity, monotonicMs: () => 0 };
const CONTINUATIONS = 16;

describe("bisect", () => {
  test("entries that are acknowledged without an fsync are lost for certain when all replicas lose their power", async () => {
    const found = await bisect(runOf(bundleOfCanary("skip-fsync")), CONTINUATIONS, LIMITS);
    expect(found).toMatchObject({ description: "a crash", failingBefore: 0, complete: true });
    expect(found.uncertainAfter).toBe(found.event - 1);
    expect(found.event).toBeLessThan(found.events);
    expect(found.trace.map(({ type, replica }) => [type, replica])).toEqual([
      ["NodeCrash", 0],
      ["NodeCrash", 1],
      ["NodeCrash", 2],
    ]);
  });

  test("an answer that is never sent again is missing for certain when it is lost", async () => {
    const found = await bisect(runOf(bundleOfCanary("no-resend")), CONTINUATIONS, LIMITS);
    expect(found.trace.at(-1)).toMatchObject({ type: "NetworkDrop", message: "reply" });
    expect(found.event).toBeLessThan(found.events / 4);
  });

  test("what a lie does begins with the lie", async () => {
    const found = await bisect(runOf(bundleOfSeed(["--scenario", "leader-race"], 5)), CONTINUATIONS, LIMITS);
    expect(found.event).toBeGreaterThan(0);
    expect(found.trace.filter(({ type }) => type === "NetworkSend").map(({ message }) => message)).toEqual([
      "prepare",
      "prepare",
    ]);
  });

  test("the definition holds at the event that is found, and not at the one before", async () => {
    const bundle = bundleOfCanary("forgotten-view");
    const run = runOf(bundle);
    const found = await bisect(run, CONTINUATIONS, LIMITS);
    const log = run.reproducibleLog();
    const failing = (event: number): number => {
      const continuations = Array.from({ length: CONTINUATIONS }, (_, index) => index + 1);
      return continuations.filter((number) => run.isSame(run.leftAlone(log, event, number))).length;
    };
    expect(failing(found.event)).toBe(CONTINUATIONS);
    expect(failing(found.event - 1)).toBe(found.failingBefore);
    expect(found.failingBefore).toBeLessThan(CONTINUATIONS);
    expect(await bisect(run, CONTINUATIONS, LIMITS)).toEqual(found);
  });

  test("a bug that needs no fault is certain from the start", async () => {
    const found = await bisect(runOf(bundleOfCanary("wrong-hash")), CONTINUATIONS, LIMITS);
    expect(found).toMatchObject({
      event: 0,
      uncertainAfter: null,
      timeUs: 0,
      description: "before the first event",
      runs: CONTINUATIONS,
      complete: true,
    });
  });

  test("a limit that comes first leaves a range", async () => {
    const found = await bisect(runOf(bundleOfCanary("skip-fsync")), CONTINUATIONS, { ...LIMITS, maxRuns: 4 });
    expect(found.complete).toBe(false);
    expect(found.event - found.uncertainAfter!).toBeGreaterThan(1);
    expect(found).toMatchObject({ runs: 4, failingBefore: null });
  });

  test("a stop before the first continuation: nothing is known but that it failed at the end", async () => {
    const found = await bisect(runOf(bundleOfCanary("skip-fsync")), CONTINUATIONS, LIMITS, () => Promise.resolve(true));
    expect(found).toMatchObject({ event: found.events, uncertainAfter: null, runs: 0, complete: false });
  });
});
