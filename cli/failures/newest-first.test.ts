import { expect, test } from "@jest/globals";
import { NewestFirst } from "./newest-first.ts";

const failure = (ms: number) => ({ kind: "vopr" as const, key: `k${String(ms)}`, seed: 1n, at: new Date(ms) });

test("what is kept grows with the limit, not with what is listed", () => {
  const newest = new NewestFirst(5);
  let mostKept = 0;
  for (let index = 0; index < 200_000; index += 1) {
    newest.add(failure((index * 7_919) % 200_000));
    mostKept = Math.max(mostKept, newest.kept);
  }
  expect(mostKept).toBe(1_009);
  expect(newest.total).toBe(200_000);
  expect(newest.failures().map(({ at }) => at.getTime())).toEqual([199_999, 199_998, 199_997, 199_996, 199_995]);
});

test("of the same instant by key", () => {
  const newest = new NewestFirst(2);
  for (const key of ["b", "c", "a"]) newest.add({ ...failure(1), key });
  expect(newest.failures().map(({ key }) => key)).toEqual(["a", "b"]);
});
