import { expect, test } from "@jest/globals";
import { fakeProfile } from "../../test/fake-profile.ts";
import { phaseBenches } from "../../test/phase-bench.ts";
import { storeLog } from "./logs.ts";

const phaseBench = phaseBenches();
const MEBIBYTE = 1024 * 1024;

test("a log is stored under its phase; of a long one the head and the tail, with a marked gap", async () => {
  const options = { profile: fakeProfile(), phase: "formal-verification", budgetMs: 1_000 } as const;
  const { context, stored } = await phaseBench(options);
  const short = await storeLog(context, "vsr-small", "all is well\n");
  expect(short).toBe("cycles/000001/logs/formal-verification/vsr-small.txt");
  expect(await stored(short)).toBe("all is well\n");

  const text = `${"h".repeat(MEBIBYTE)}${"m".repeat(10)}${"t".repeat(MEBIBYTE)}`;
  const kept = await stored(await storeLog(context, "image.ivy", text));
  expect(kept.slice(0, MEBIBYTE)).toBe("h".repeat(MEBIBYTE));
  expect(kept.slice(MEBIBYTE, -MEBIBYTE)).toBe("\n[… 10 bytes left out …]\n");
  expect(kept.slice(-MEBIBYTE)).toBe("t".repeat(MEBIBYTE));

  await expect(storeLog(context, "../elsewhere", "")).rejects.toThrow('"../elsewhere" cannot be part of the key');
});
