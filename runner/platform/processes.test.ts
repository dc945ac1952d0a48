import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createProcesses } from "./processes.ts";
import type { ProgramOptions } from "./program-run.ts";
import { processStat } from "./process-table.ts";

let notes: string;
beforeEach(() => {
  notes = mkdtempSync(join(tmpdir(), "kimtest-processes-"));
});
afterEach(() => {
  rmSync(notes, { recursive: true, force: true });
});

const node = (script: string): string[] => [process.execPath, "-e", script];

async function run(options: Partial<ProgramOptions> & { command: readonly string[] }) {
  const lines: string[] = [];
  const end = await createProcesses(notes).run({
    deadlineMs: 10_000,
    onLine: (line) => {
      lines.push(line);
      return "continue";
    },
    ...options,
  });
  return { ...end, lines };
}

describe("how a program ended", () => {
  test("by itself: exit code, lines, both outputs apart", async () => {
    const end = await run({ command: node('console.log("a\\nb"); console.error("oops"); process.exitCode = 3') });
    expect(end).toMatchObject({
      ending: "exited",
      exitCode: 3,
      description: "exit code 3",
      stdout: "a\nb\n",
      stderr: "oops\n",
    });
    expect(end.lines).toEqual(["a", "b"]);
    expect(readdirSync(notes)).toEqual([]);
  });

  test("a last line without newline is a line", async () => {
    expect((await run({ command: node('process.stdout.write("x\\ny")') })).lines).toEqual(["x", "y"]);
  });

  test("missing program", async () => {
    const end = await run({ command: ["/does/not/exist"] });
    expect(end).toMatchObject({ ending: "not-started", exitCode: null });
    expect(end.description).toBe("cannot be started: /does/not/exist does not exist");
  });

  test("killed by somebody else", async () => {
    const end = await run({ command: node('process.kill(process.pid, "SIGKILL")') });
    expect(end).toMatchObject({
      ending: "killed",
      signal: "SIGKILL",
      exitCode: null,
      description: "killed by SIGKILL",
    });
  });

  test("deadline, though it ignores SIGTERM", async () => {
    const end = await run({
      command: node('process.on("SIGTERM", () => {}); setInterval(() => console.log("."), 50)'),
      deadlineMs: 600,
    });
    expect(end).toMatchObject({ ending: "deadline", exitCode: null });
    expect(end.durationMs).toBeLessThan(6_000);
  });

  test("hung: silent for too long", async () => {
    const end = await run({ command: node('console.log("one"); setInterval(() => {}, 1000)'), stallMs: 700 });
    expect(end).toMatchObject({ ending: "stalled", description: "hung: printed nothing for 0.7 s" });
  });

  test("our own slowness is not its silence", async () => {
    const end = await run({
      command: node('console.log("one"); setTimeout(() => console.log("two"), 100)'),
      stallMs: 2_000,
      onLine: async () => {
        await delay(3_000);
        return "continue" as const;
      },
    });
    expect(end).toMatchObject({ ending: "exited", exitCode: 0 });
  });

  test("nor is time in which this process, or the whole machine, stood still", async () => {
    const running = run({
      command: node('setInterval(() => console.log("."), 50); setTimeout(() => process.exit(0), 6_000)'),
      stallMs: 3_000,
    });
    await delay(1_500);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_500);
    expect(await running).toMatchObject({ ending: "exited", exitCode: 0 });
  });

  test("output of a program that has ended is read to its end, however slowly", async () => {
    let read = 0;
    const end = await run({
      command: node('for (let i = 0; i < 1500; i++) console.log("x".repeat(30))'),
      onLine: async () => {
        await delay(3);
        read += 1;
        return "continue" as const;
      },
    });
    expect(read).toBe(1_500);
    expect(end).toMatchObject({ ending: "exited", exitCode: 0 });
  });

  test("a child that keeps the pipe open does not keep the runner", async () => {
    const script = 'require("child_process").spawn("sleep", ["30"], { stdio: "inherit" }).unref(); console.log("up")';
    const end = await run({ command: node(script) });
    expect(end).toMatchObject({ ending: "exited", exitCode: 0, lines: ["up"] });
    expect(end.durationMs).toBeLessThan(8_000);
  });

  test("a flood without newline does not fill the memory", async () => {
    const before = process.memoryUsage().rss;
    const end = await run({
      command: node(
        'const b = "x".repeat(1 << 20); const f = () => { while (process.stdout.write(b)); process.stdout.once("drain", f); }; f()',
      ),
    });
    expect(end.ending).toBe("flooded");
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  test("rejected by its reader", async () => {
    const end = await run({ command: node('setInterval(() => console.log("garbage"), 5)'), onLine: () => "stop" });
    expect(end.ending).toBe("rejected");
  });

  test("a reader that throws ends the program and is not swallowed", async () => {
    const reading = run({
      command: node('setInterval(() => console.log("x"), 5)'),
      onLine: () => {
        throw new Error("disk full");
      },
    });
    await expect(reading).rejects.toThrow("disk full");
    expect(readdirSync(notes)).toEqual([]);
  });

  test("stopped with the runner, its children too", async () => {
    const stop = new AbortController();
    const file = join(notes, "..", `child-${String(process.pid)}`);
    const script = `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(()=>{},1000)"]); require("fs").writeFileSync(${JSON.stringify(file)}, String(c.pid)); console.log("up"); setInterval(()=>{},1000)`;
    const end = await run({
      command: node(script),
      signal: stop.signal,
      onLine: () => {
        stop.abort();
        return "continue";
      },
    });
    expect(end.ending).toBe("stopped");
    const grandchild = Number(readFileSync(file, "utf8"));
    rmSync(file);
    await delay(200);
    expect(isAlive(grandchild)).toBe(false);
  });
});

test("what a killed runner left behind is ended, and nothing else", async () => {
  const leftover = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  await delay(100);
  const ended = new Promise((resolve) =>
    leftover.once("exit", (_code, signal) => {
      resolve(signal);
    }),
  );
  writeFileSync(join(notes, String(leftover.pid)), processStat(leftover.pid!)!.startTicks);
  writeFileSync(join(notes, String(stranger.pid)), "1"); // the number belongs to a later process
  expect(createProcesses(notes).reapLeftovers()).toBe(1);
  expect(await ended).toBe("SIGKILL");
  expect(stranger.exitCode).toBeNull();
  expect(stranger.signalCode).toBeNull();
  expect(readdirSync(notes)).toEqual([]);
  stranger.kill("SIGKILL");
});

/** False for a zombie too: in a container without init nobody reaps an orphan. */
function isAlive(pid: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.state !== "Z";
}
