import { fstatSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { journalOf, openLog } from "./log.ts";

test("a full log is turned over: the newest lines are kept, at most two files", () => {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-log-"));
  try {
    const path = join(folder, "runner.log");
    for (const part of [0, 1]) {
      const { log, close } = openLog(path, { maxBytes: 1_000 }); // opened again, as after a restart
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

test("the journal gets each line with its priority", () => {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-log-"));
  const lines: string[] = [];
  try {
    const { log, close } = openLog(join(folder, "runner.log"), { journal: (line) => void lines.push(line) });
    log.info({}, "well");
    log.warn({}, "odd");
    log.error({}, "bad");
    close();
    expect(lines.map((line) => [line.slice(0, 3), (JSON.parse(line.slice(3)) as { msg: string }).msg])).toEqual([
      ["<6>", "well"],
      ["<4>", "odd"],
      ["<3>", "bad"],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("there is a journal only where stdout is the stream that systemd named", () => {
  const { dev, ino } = fstatSync(process.stdout.fd, { bigint: true });
  expect(journalOf({})).toBeUndefined();
  expect(journalOf({ JOURNAL_STREAM: `${dev.toString()}:${(ino + 1n).toString()}` })).toBeUndefined();
  expect(journalOf({ JOURNAL_STREAM: `${dev.toString()}:${ino.toString()}` })).toBeInstanceOf(Function);
});
