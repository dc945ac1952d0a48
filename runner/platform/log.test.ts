import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { openLog } from "./log.ts";

test("a full log is turned over: the newest lines are kept, at most two files", () => {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-log-"));
  try {
    const path = join(folder, "runner.log");
    for (const part of [0, 1]) {
      const { log, close } = openLog(path, 1_000); // opened again, as after a restart
      for (let line = 0; line < 50; line += 1) log.info({ n: part * 50 + line }, "line");
      close();
    }
    const numbers = [`${path}.1`, path].flatMap((file) => {
      const text = readFileSync(file, "utf8");
      expect(text.length).toBeLessThanOrEqual(1_000);
      return text
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { n: number }).n);
    });
    const first = numbers[0] ?? 0;
    expect(numbers).toEqual(Array.from({ length: 100 - first }, (_, index) => first + index));
    expect(numbers.length).toBeGreaterThan(10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
