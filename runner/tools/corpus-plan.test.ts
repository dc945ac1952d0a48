import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { planMinimize, planRestore, planSave, type CorpusInput } from "./corpus-plan.ts";

const input = (hash: string, bytes = 10): CorpusInput => ({ hash, bytes });
/** Few names, so that both sides often share some; equal names have equal sizes. */
const corpus = fc
  .array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 })
  .map((numbers) => numbers.map((number) => input(`h${String(number)}`, number + 1)));
const names = (inputs: readonly CorpusInput[]): string[] => [...new Set(inputs.map(({ hash }) => hash))].sort();

test("restoring and saving add what is missing, once, and take nothing away", () => {
  fc.assert(
    fc.property(corpus, corpus, (local, stored) => {
      const { download, alreadyThere } = planRestore(local, stored);
      const restored = [...local, ...download];
      expect(names(restored)).toEqual(names([...local, ...stored]));
      expect(download.length + alreadyThere).toBe(names(stored).length);
      const { upload } = planSave(restored, stored);
      expect(names([...stored, ...upload])).toEqual(names(restored));
      expect(names(upload)).toHaveLength(upload.length);
      expect(planSave(restored, [...stored, ...upload]).upload).toEqual([]);
    }),
  );
});

test("an empty disk downloads all and uploads nothing", () => {
  const stored = [input("b", 2), input("a", 1)];
  expect(planRestore([], stored)).toEqual({ download: [input("a", 1), input("b", 2)], alreadyThere: 0 });
  expect(planSave([], stored)).toEqual({ upload: [], alreadyThere: 0, tooLarge: [] });
});

test("an input too large for the store stays on disk", () => {
  const large = input("l", 2 ** 20 + 1);
  expect(planSave([large, input("s")], [])).toEqual({ upload: [input("s")], alreadyThere: 0, tooLarge: [large] });
});

describe("minimising", () => {
  const merged = [input("a"), input("b"), input("c")];
  const evidence = { isComplete: true, merged, kept: [input("a")], featuresBefore: 40, featuresAfter: 40 };

  test("removes what was merged and not kept, after a backup of it; what came since stays", () => {
    const stored = [input("b"), input("c"), input("newer")];
    expect(planMinimize(stored, evidence)).toEqual({
      accepted: true,
      backup: [input("b"), input("c")],
      remove: [input("b"), input("c")],
      upload: [input("a")],
    });
  });

  test.each<[string, Partial<typeof evidence>]>([
    ["the merge did not come to its end", { isComplete: false }],
    ["the merge kept nothing", { kept: [] }],
    ["it was not measured what the corpus reaches", { featuresBefore: 0 }],
    ["the smaller corpus reaches 39 features, not 40", { featuresAfter: 39 }],
    ["it kept x, which it never read", { kept: [input("x")] }],
  ])("is refused: %s", (reason, change) => {
    expect(planMinimize(merged, { ...evidence, ...change })).toEqual({ accepted: false, reason });
  });

  test("never loses an input that is needed, or that was not backed up", () => {
    fc.assert(
      fc.property(corpus, corpus, fc.array(fc.nat(40)), (stored, read, picks) => {
        const kept = picks.flatMap((at) => read[at] ?? []);
        const plan = planMinimize(stored, { ...evidence, merged: read, kept });
        fc.pre(plan.accepted);
        const after = [...stored.filter((one) => !names(plan.remove).includes(one.hash)), ...plan.upload];
        expect(names(after)).toEqual(expect.arrayContaining(names(kept)));
        expect(names([...after, ...plan.backup])).toEqual(expect.arrayContaining(names(stored)));
        expect(names(after).length).toBeGreaterThan(0);
      }),
    );
  });
});
