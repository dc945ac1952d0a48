import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createProcesses, type Processes } from "../platform/processes.ts";
import { lastWords, notByItself, runTool } from "./tool-run.ts";

let folder: string;
let processes: Processes;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-tool-run-"));
  processes = createProcesses(join(folder, "notes"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const run = (command: string[], deadlineMs = 20_000) => runTool(processes, { command, deadlineMs, cwd: folder });

test("both streams, in the order in which they were written, and the exit code of the program itself", async () => {
  const { end, text } = await run(["sh", "-c", "echo one; echo two >&2; echo three; exit 12"]);
  expect(text).toBe("one\ntwo\nthree");
  expect(end).toMatchObject({ ending: "exited", exitCode: 12 });
});

test("arguments are not read by a shell", async () => {
  expect((await run(["printf", "%s|", "a b", "$HOME", "'"])).text).toBe("a b|$HOME|'|");
});

test("a program that does not exist, or may not be executed, was not started", async () => {
  for (const program of ["kimtest-no-such-tool", "./notes", "/etc/passwd"]) {
    const output = await run([program]);
    expect(output.end).toMatchObject({ ending: "not-started", exitCode: null });
    expect(notByItself(output)).toBe(`cannot be started: ${program} does not exist or may not be executed`);
  }
});

test("the deadline ends the program, not a shell before it", async () => {
  const output = await run(["sleep", "60"], 300);
  expect(notByItself(output)).toBe("still running at its deadline of 0.3 s");
  expect(output.end.durationMs).toBeLessThan(25_000);
});

test("of a very long text the head and the tail are kept", async () => {
  const { text } = await run(["sh", "-c", "echo first; yes 0123456789abcde | head -n 1500000; echo last"], 120_000);
  expect(text.length).toBeLessThan(17 * 1024 * 1024);
  expect(text.startsWith("first\n")).toBe(true);
  expect(text.endsWith("\nlast")).toBe(true);
  const gap = /^\[… (\d+) lines left out …\]$/m.exec(text)?.[1];
  expect(Number(gap) + text.split("\n").length - 1).toBe(1_500_002);
}, 120_000);

test("last words", () => {
  expect(lastWords("a\n  b \n\n")).toBe(": b");
  expect(lastWords("\n")).toBe("");
});
