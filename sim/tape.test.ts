import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Random } from "./random.ts";
import { Tape } from "./tape.ts";

test("a generator can be put back to any place, in any order", () => {
  const tape = new Tape(17, 3, 2);
  fc.assert(
    fc.property(fc.nat(2_000), (position) => {
      const straight = new Random(17, 3, 2);
      for (let draw = 0; draw < position; draw++) straight.next();
      const sought = new Random(0, 0, 0);
      tape.seek(sought, position);
      expect(sought.position).toBe(position);
      expect([sought.next(), sought.next()]).toEqual([straight.next(), straight.next()]);
    }),
  );
});

test("seeded again it is as new", () => {
  const random = new Random(1, 2, 3);
  random.next();
  random.reseed(4, 5, 6);
  expect([random.position, random.next()]).toEqual([0, new Random(4, 5, 6).next()]);
});
