import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { until } from "../../test/until.ts";
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
    deadlineMs: 60_000,
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
    // Without SIGKILL it would go on for ever.
    expect(end).toMatchObject({ ending: "deadline", exitCode: null });
  });

  test("hung: silent for too long", async () => {
    const end = await run({ command: node('console.log("one"); setInterval(() => {}, 1000)'), stallMs: 700 });
    expect(end).toMatchObject({ ending: "stalled", description: "hung: printed nothing for 0.7 s" });
  });

  test("our own slowness is not its silence", async () => {
    let slowMs = 5_000;
    const end = await run({
      command: ["sh", "-c", "echo one; sleep 0.1; echo two"],
      stallMs: 4_000,
      onLine: async () => {
        await delay(slowMs);
        slowMs = 0;
        return "continue" as const;
      },
    });
    expect(end).toMatchObject({ ending: "exited", exitCode: 0 });
  });

  test("what ended while we were held up ourselves was neither late nor silent", async () => {
    const ending = run({ command: ["sh", "-c", "echo done"], deadlineMs: 1_000, stallMs: 1_000 });
    const [pid] = readdirSync(notes);
    const startedMs = performance.now();
    const pausedMs = (): number => performance.now() - startedMs;
    const isOver = (): boolean => pausedMs() > 20_000 || processStat(Number(pid))?.state === "Z";
    while (pausedMs() < 1_700 || !isOver()); // as a garbage collector, or a machine that stands still
    expect(await ending).toMatchObject({ ending: "exited", exitCode: 0, lines: ["done"] });
  });

  test("time in which the whole machine stood still is nobody's silence", async () => {
    const running = run({
      command: node('setInterval(() => console.log("."), 50); setTimeout(() => process.exit(0), 3_000)'),
      stallMs: 3_000,
    });
    const [pid] = readdirSync(notes);
    await delay(1_500);
    process.kill(Number(pid), "SIGSTOP");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_500);
    await delay(500); // it has been looked at
    process.kill(Number(pid), "SIGCONT");
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
  }, 60_000);

  test("a child that keeps the pipe open does not keep the runner", async () => {
    const script = 'require("child_process").spawn("sleep", ["60"], { stdio: "inherit" }).unref(); console.log("up")';
    const end = await run({ command: node(script) });
    expect(end).toMatchObject({ ending: "exited", exitCode: 0, lines: ["up"] });
    expect(end.durationMs).toBeLessThan(25_000);
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
    const script = `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(()=>{},1000)"]); console.log(c.pid); setInterval(()=>{},1000)`;
    const end = await run({
      command: node(script),
      signal: stop.signal,
      onLine: () => {
        stop.abort();
        return "continue";
      },
    });
    expect(end.ending).toBe("stopped");
    const grandchild = Number(end.stdout);
    expect(grandchild).toBeGreaterThan(0);
    await until("the grandchild has ended", () => !isAlive(grandchild));
  });
});

test("what a killed runner left behind is ended, and nothing else", async () => {
  const leftover = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  const ended = new Promise((resolve) =>
    leftover.once("exit", (_code, signal) => {
      resolve(signal);
    }),
  );
  writeFileSync(join(notes, String(leftover.pid)), processStat(leftover.pid!)!.startTicks);
  writeFileSync(join(notes, String(stranger.pid)), "1"); // the number belongs to a later process
  expect(createProcesses(notes).reapLeftovers()).toBe(1);
  expect(await ended).toBe("SIGKILL");
  expect(isAlive(stranger.pid!)).toBe(true);
  expect(readdirSync(notes)).toEqual([]);
  stranger.kill("SIGKILL");
});

test("what a dead program of a killed runner left behind is ended, too: its children know their run", async () => {
  const wait = 'until grep -q . "$1"/* 2>/dev/null; do sleep 0.01; done';
  const script = `${wait}; cat "$1"/*; echo; echo $KIMTEST_RUN`;
  const { lines } = await run({ command: ["sh", "-c", script, "sh", notes] });
  expect(lines).toEqual([expect.stringMatching(/^\d+ [0-9a-f-]{36}$/), lines[0]!.split(" ")[1]]);

  const orphan = async (id: string): Promise<number> => {
    const env = { ...process.env, KIMTEST_RUN: id };
    const leader = spawn("sh", ["-c", "sleep 300 & echo $!"], {
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
      env,
    });
    const [printed] = (await once(leader.stdout, "data")) as [Buffer];
    await until("the leader has ended", () => processStat(leader.pid!) === undefined);
    writeFileSync(join(notes, String(leader.pid)), "1 this-run");
    return Number(printed.toString());
  };
  const [ours, stranger] = [await orphan("this-run"), await orphan("another-run")];
  expect(createProcesses(notes).reapLeftovers()).toBe(1);
  await until("ours has ended", () => !isAlive(ours));
  expect(isAlive(stranger)).toBe(true);
  process.kill(stranger, "SIGKILL");
});

/** False for a zombie too: in a container without init nobody reaps an orphan. */
function isAlive(pid: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.state !== "Z";
}
