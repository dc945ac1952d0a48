import { expect, test } from "@jest/globals";
import { sighting } from "../phases/digest/samples.fixture.ts";
import { MAX_SEEDS, MAX_SIGNATURES, withSighting, type Sightings } from "./sightings.ts";

const LATER = "2026-11-21T11:00:00.000Z";

test("a signature that was seen before: counted, the first way to show it is kept", () => {
  const first = sighting("a:gray", { count: 1, seeds: [1n], message: "first", repro: "run 1", failure_key: "key 1" });
  const again = sighting("a:gray", {
    count: 2,
    seeds: [5n, 6n],
    last_at: LATER,
    message: "second",
    repro: "run 5",
    failure_key: "key 5",
  });
  expect(withSighting(withSighting({}, first), again)).toEqual({
    "a:gray": { ...first, count: 3, seeds: [1n, 5n, 6n], last_at: LATER },
  });
});

test("the input is left alone", () => {
  const before: Sightings = Object.freeze({ "a:gray": Object.freeze(sighting("a:gray")) });
  withSighting(before, sighting("a:gray"));
  expect(before).toEqual({ "a:gray": sighting("a:gray") });
});

test(`the newest ${String(MAX_SEEDS)} seeds are kept`, () => {
  let seen: Sightings = {};
  for (let seed = 0n; seed < 50n; seed += 1n)
    seen = withSighting(seen, sighting("a:gray", { count: 1, seeds: [seed] }));
  expect(seen["a:gray"]?.seeds).toEqual(Array.from({ length: MAX_SEEDS }, (_, index) => BigInt(30 + index)));
  expect(seen["a:gray"]?.count).toBe(50);
});

test(`beyond ${String(MAX_SIGNATURES)} signatures only known ones are counted`, () => {
  let seen: Sightings = {};
  for (let index = 0; index < MAX_SIGNATURES + 10; index += 1) {
    const signature = `s${String(index)}:gray`;
    seen = withSighting(seen, sighting(signature, { count: 1 }));
  }
  seen = withSighting(seen, sighting("s0:gray", { count: 1 }));
  expect(Object.keys(seen)).toHaveLength(MAX_SIGNATURES);
  expect(seen["s0:gray"]?.count).toBe(2);
  expect(seen["s505:gray"]).toBeUndefined();
});
