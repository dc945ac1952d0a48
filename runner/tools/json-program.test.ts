/** Real programs that print one object, with lines of progress before it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { z } from "zod";
import { progressLine } from "../../contracts/progress.ts";
import { createProcesses } from "../platform/processes.ts";
import { runJsonProgram } from "./json-program.ts";

let notes: string;
beforeEach(() => {
  notes = mkdtempSync(join(tmpdir(), "kimtest-json-"));
});
afterEach(() => {
  rmSync(notes, { recursive: true, force: true });
});

async function run(output: string) {
  let progress = 0;
  const command = [process.execPath, "-e", `process.stdout.write(${JSON.stringify(output)})`];
  const onProgress = (): void => {
    progress += 1;
  };
  const { value, problem } = await runJsonProgram(
    createProcesses(notes),
    { command, deadlineMs: 10_000, onProgress },
    z.object({ answer: z.number() }),
    [0],
  );
  return { value, problem, progress };
}

test("lines of progress are no part of the object, and only those that say more count as work", async () => {
  const lines = [3, 7, 7, 2, 8].map((done) => progressLine(done, "states")).join("");
  expect(await run(`${lines}{\n "answer": 42\n}\n`)).toEqual({ value: { answer: 42 }, problem: null, progress: 3 });
});

test("nothing done yet is no progress", async () => {
  expect(await run(`${progressLine(0, "states")}{"answer": 1}`)).toMatchObject({ value: { answer: 1 }, progress: 0 });
});

test("progress alone is no result", async () => {
  expect(await run(progressLine(3, "states"))).toEqual({
    value: undefined,
    problem: "printed nothing, exit code 0",
    progress: 1,
  });
});

test("a line that only looks like progress makes the output unreadable, not empty", async () => {
  const ran = await run('{"progress": {"done": -1}}\n{"answer": 1}\n');
  expect(ran).toMatchObject({ value: undefined, progress: 0 });
  expect(ran.problem).toContain("is not valid JSON");
});
