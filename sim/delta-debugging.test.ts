import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { minimized } from "./delta-debugging.ts";

const later =
  <Item>(fails: (items: readonly Item[]) => boolean) =>
  (items: readonly Item[]): Promise<boolean> =>
    Promise.resolve(fails(items));
const never = (): boolean => false;

describe("minimized", () => {
  test("finds the circumstances that are needed together, wherever they are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 80 }),
        fc.uniqueArray(fc.nat(79), { maxLength: 6 }),
        async (length, picked) => {
          const needed = picked.filter((item) => item < length).sort((a, b) => a - b);
          const items = Array.from({ length }, (_, item) => item);
          const fails = (some: readonly number[]): boolean => needed.every((item) => some.includes(item));
          expect(await minimized(items, later(fails), never)).toEqual(needed);
        },
      ),
    );
  });

  test("what is left fails, and with any one less it does not", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }), fc.nat(100), async (items, least) => {
        const fails = (some: readonly number[]): boolean => some.reduce((sum, item) => sum + item, 0) >= least;
        fc.pre(fails(items));
        const left = await minimized(items, later(fails), never);
        expect(fails(left)).toBe(true);
        for (let at = 0; at < left.length; at++) expect(fails(left.filter((_, index) => index !== at))).toBe(false);
      }),
    );
  });

  test("an end from outside leaves what there is", async () => {
    const items = Array.from({ length: 64 }, (_, item) => item);
    let asked = 0;
    const fails = (some: readonly number[]): boolean => {
      asked += 1;
      return some.includes(5);
    };
    const left = await minimized(items, later(fails), () => asked >= 3);
    expect(left).toContain(5);
    expect(asked).toBe(3);
    expect(left.length).toBeLessThan(64);
    expect(left.length).toBeGreaterThan(1);
  });
});
