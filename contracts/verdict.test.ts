import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { failed, inconclusive, PASSED, worstOf, type Judgement } from "./verdict.ts";

test("no judgement at all is inconclusive: nothing was shown", () => {
  expect(worstOf([])).toStrictEqual({ verdict: "inconclusive", reason: "nothing was run" });
});

test.each<[name: string, judgements: Judgement[], worst: Judgement]>([
  ["one pass", [PASSED], { verdict: "passed", reason: null }],
  ["passes only", [PASSED, PASSED], { verdict: "passed", reason: null }],
  ["one inconclusive among passes", [PASSED, inconclusive("killed"), PASSED], inconclusive("killed")],
  ["one failure among passes", [PASSED, failed("3 of 9"), PASSED], failed("3 of 9")],
  ["failure over inconclusive, whatever the order", [inconclusive("killed"), failed("3 of 9")], failed("3 of 9")],
  ["failure over inconclusive, the other way round", [failed("3 of 9"), inconclusive("killed")], failed("3 of 9")],
  ["reasons of the same rank in their order", [failed("b"), failed("a"), PASSED], failed("b; a")],
  ["a reason said twice is said once", [inconclusive("a"), inconclusive("b"), inconclusive("a")], inconclusive("a; b")],
  ["no reason given", [{ verdict: "failed", reason: null }], { verdict: "failed", reason: null }],
  [
    "a missing reason beside another",
    [{ verdict: "failed", reason: null }, failed("a")],
    { verdict: "failed", reason: "a" },
  ],
])("worst of %s", (_, judgements, worst) => {
  expect(worstOf(judgements)).toStrictEqual(worst);
});

test("the verdict does not depend on the order, and passes only if all passed", () => {
  const judgement = fc.constantFrom(PASSED, failed("f"), inconclusive("i"));
  fc.assert(
    fc.property(fc.array(judgement, { minLength: 1, maxLength: 8 }), (judgements) => {
      const { verdict } = worstOf(judgements);
      expect(worstOf(judgements.toReversed()).verdict).toBe(verdict);
      expect(verdict === "passed").toBe(judgements.every((one) => one.verdict === "passed"));
      expect(verdict === "failed").toBe(judgements.some((one) => one.verdict === "failed"));
    }),
  );
});
