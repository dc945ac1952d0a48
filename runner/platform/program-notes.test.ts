/** A program of which no note can be made: after a kill of the runner nobody would find it. Real processes. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { processStat } from "./process-table.ts";
import { createProcesses } from "./processes.ts";

test("the folder of notes was removed under the runner: told, and the program does not run on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-notes-"));
  const processes = createProcesses(join(folder, "notes"));
  rmSync(join(folder, "notes"), { recursive: true });
  const began = join(folder, "began");
  const command = ["/bin/sh", "-c", 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec sleep 20', began];
  await expect(processes.run({ command, deadlineMs: 30_000 })).rejects.toThrow("ENOENT");
  await delay(1_000);
  const isRunning = existsSync(began) && processStat(Number(readFileSync(began, "utf8"))) !== undefined;
  expect(isRunning).toBe(false);
  rmSync(folder, { recursive: true });
});
