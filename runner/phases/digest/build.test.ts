import { describe, expect, test } from "@jest/globals";
import type { PhaseResult } from "../../../contracts/results.ts";
import type { Judgement } from "../../../contracts/verdict.ts";
import { canary, cycleState, digestOf, knownFinding, results, sighting } from "./samples.fixture.ts";

const passed: Judgement = { verdict: "passed", reason: null };
const failed: Judgement = { verdict: "failed", reason: "it broke" };
const unsure: Judgement = { verdict: "inconclusive", reason: "it was killed" };

const { prepare, verification, benchmarks, fuzz, vopr } = results;
const green = [prepare(), verification(), benchmarks(), fuzz(), vopr()];
/** All green but one. */
const but = (one: PhaseResult): PhaseResult[] => green.map((result) => (result.phase === one.phase ? one : result));

/** The verdict and reason of a digest of these results. */
function overall(phases: PhaseResult[], change: Parameters<typeof cycleState>[0] = {}): Judgement {
  const { verdict, reason } = digestOf(cycleState({ results: phases, ...change }));
  return { verdict, reason };
}

test("a finding that an interrupted attempt left behind is a failure, though the next attempt was green", () => {
  for (const workload of ["vopr", "fuzz", "formal-verification"] as const) {
    const seen = { ...sighting("it:broke"), workload };
    const { verdict, reason } = overall(green, { sightings: { "it:broke": seen } });
    expect({ verdict, reason }).toEqual({
      verdict: "failed",
      reason: `${workload}: 1 findings by an attempt that did not end`,
    });
  }
});

test("damage and refusals are said, also when something has failed", () => {
  const digest = digestOf(cycleState({ results: but(vopr(failed)), damage: ["the checkpoint is damaged"] }));
  expect(digest.verdict).toBe("failed");
  expect(digest.warnings).toContain("the checkpoint is damaged");
});

describe("the verdict of a cycle", () => {
  const table: [string, PhaseResult[], Judgement][] = [
    ["everything passed", green, passed],
    ["prepare inconclusive", but(prepare(unsure)), unsure],
    ["formal verification failed", but(verification(failed)), { ...failed, reason: "formal-verification: it broke" }],
    [
      "formal verification inconclusive",
      but(verification(unsure)),
      { ...unsure, reason: "formal-verification: it was killed" },
    ],
    ["benchmarks failed", but(benchmarks(failed)), { ...failed, reason: "benchmarks: it broke" }],
    ["benchmarks inconclusive", but(benchmarks(unsure)), { ...unsure, reason: "benchmarks: it was killed" }],
    ["fuzz failed", but(fuzz(failed)), { ...failed, reason: "fuzz: it broke" }],
    ["fuzz inconclusive", but(fuzz(unsure)), { ...unsure, reason: "fuzz: it was killed" }],
    ["VOPR failed", but(vopr(failed)), { ...failed, reason: "vopr: it broke" }],
    ["VOPR inconclusive", but(vopr(unsure)), { ...unsure, reason: "vopr: it was killed" }],
    [
      "failed outranks inconclusive",
      but(fuzz(failed)).map((one) => (one.phase === "vopr" ? vopr(unsure) : one)),
      failedIn("fuzz"),
    ],
    [
      "which commit was tested is said before what failed on it",
      [prepare(unsure), ...but(vopr(failed)).slice(1)],
      { ...failed, reason: "it was killed; vopr: it broke" },
    ],
    [
      "two failures are both named",
      [prepare(), verification(failed), benchmarks(), fuzz(failed), vopr()],
      { verdict: "failed", reason: "formal-verification: it broke; fuzz: it broke" },
    ],
  ];
  function failedIn(phase: string): Judgement {
    return { verdict: "failed", reason: `${phase}: it broke` };
  }
  test.each(table)("%s", (_, phases, judgement) => {
    expect(overall(phases)).toEqual(judgement);
  });

  test.each([
    ["VOPR", but(vopr(passed, canary(false)))],
    ["fuzzing", but(fuzz(passed, canary(false)))],
    ["formal verification", but(verification(passed, canary(false)))],
    ["benchmarks", but(benchmarks(passed, canary(false)))],
  ])("a green cycle whose %s canary was not found is inconclusive", (name, phases) => {
    expect(overall(phases)).toEqual({
      verdict: "inconclusive",
      reason: `${name} is untrusted: its canary skip-fsync was not found: none of 60 seeds failed`,
    });
  });

  test("a canary that was not run is no trust either", () => {
    const digest = digestOf(cycleState({ results: but(fuzz(passed, null)) }));
    expect(digest.verdict).toBe("inconclusive");
    expect(digest.trust.fuzzing).toEqual({ trusted: false, reason: "its canary was not run", canary: null });
    expect(digest.trust.vopr).toEqual({ trusted: true, reason: null, canary: canary() });
  });

  test("a phase that left no result is inconclusive, with why it was given up", () => {
    const phases = green.filter(({ phase }) => phase !== "fuzz" && phase !== "vopr");
    const digest = digestOf(cycleState({ results: phases, given_up: { fuzz: "interrupted 3 times" } }));
    expect(digest.fuzzing).toMatchObject({ verdict: "inconclusive", reason: "interrupted 3 times", targets: {} });
    expect(digest.vopr).toMatchObject({
      verdict: "inconclusive",
      reason: "this phase has left no result",
      iterations: 0,
    });
    expect(digest.verdict).toBe("inconclusive");
  });

  test("nothing at all was done: inconclusive", () => {
    expect(overall([]).verdict).toBe("inconclusive");
  });

  test("damage and what the store refuses make a green cycle inconclusive", () => {
    expect(overall(green, { damage: ["the state was damaged"] })).toEqual({
      verdict: "inconclusive",
      reason: "the state was damaged",
    });
    const refused = digestOf(cycleState(), [], { refused: ["the store refuses a/b: too large"] });
    expect(refused).toMatchObject({ verdict: "inconclusive", reason: "the store refuses a/b: too large" });
  });

  test("warnings alone change no verdict", () => {
    const digest = digestOf(cycleState({ warnings: ["slow disk"] }));
    expect(digest).toMatchObject({ verdict: "passed", warnings: ["slow disk"] });
  });
});

describe("an interim digest", () => {
  test("takes the figures of the marathon that is running", () => {
    const state = cycleState({ results: green.filter(({ phase }) => phase !== "vopr") });
    const digest = digestOf(state, [], { kind: "interim", runningVopr: vopr(passed, canary(), { iterations: 99 }) });
    expect(digest).toMatchObject({ kind: "interim", verdict: "passed", vopr: { iterations: 99, verdict: "passed" } });
  });

  test("prefers the result of a marathon that has ended", () => {
    const running = vopr(failed, canary(), { iterations: 99 });
    expect(digestOf(cycleState(), [], { runningVopr: running }).vopr.iterations).toBe(1_234_567);
  });
});

describe("findings", () => {
  test("without a registry nothing is called new; what was seen has failed, though no result says so", () => {
    const state = cycleState({ sightings: { "a:gray": sighting("a:gray") } });
    const digest = digestOf(state, [], { registry: undefined, registryProblem: "the registry is not JSON" });
    expect(digest.vopr.failures_new).toBeNull();
    expect(digest.findings).toMatchObject([{ state: null, count_ever: null, first_seen_cycle: null }]);
    expect(digest).toMatchObject({ verdict: "failed", reason: "vopr: 1 findings by an attempt that did not end" });
    expect(digest.warnings).toEqual(["new and known findings cannot be told apart: the registry is not JSON"]);
  });

  test("failures_new counts the failures of new VOPR signatures only", () => {
    const signatures = ["new:gray", "old:gray", "fuzz:json:TypeError", "formal-verification:agreement"];
    const state = cycleState({ sightings: Object.fromEntries(signatures.map((one) => [one, sighting(one)])) });
    const known = signatures.map((one) => knownFinding(one, { state: one === "old:gray" ? "ongoing" : "new" }));
    expect(digestOf(state, known).vopr.failures_new).toBe(3);
  });

  test("what matters most comes first, then what was seen most", () => {
    const states = ["invalid", "duplicate-of", "rare", "ongoing", "regressed", "new"] as const;
    const sightings = Object.fromEntries(states.map((state) => [`${state}:x`, sighting(`${state}:x`)]));
    const state = cycleState({
      sightings: { ...sightings, "new:y": sighting("new:y", { count: 9 }) },
    });
    const known = [
      ...states.map((one) => knownFinding(`${one}:x`, { state: one })),
      knownFinding("new:y", { state: "new", count: 9 }),
    ];
    expect(digestOf(state, known).findings.map(({ signature }) => signature)).toEqual([
      "new:y",
      "new:x",
      "regressed:x",
      "ongoing:x",
      "rare:x",
      "duplicate-of:x",
      "invalid:x",
    ]);
  });

  test("500 signatures: the digest says that there may be more", () => {
    const signatures = Array.from({ length: 500 }, (_, index) => `s${String(index)}:gray`);
    const state = cycleState({ sightings: Object.fromEntries(signatures.map((one) => [one, sighting(one)])) });
    expect(digestOf(state).warnings).toEqual([
      "500 signatures, which is the most that is listed: any more are only archived",
    ]);
  });
});

test("time spent is working time", () => {
  expect(digestOf(cycleState()).duration_seconds).toBe(47 * 3_600);
});
