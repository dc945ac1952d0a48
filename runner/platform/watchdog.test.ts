/** Against a real unix datagram socket, with the real systemd-notify where it is installed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { memoryLog, type MemoryLog } from "../../test/memory-log.ts";
import { until } from "../../test/until.ts";
import { startSystemdSocket, type SystemdSocket } from "../../test/systemd-socket.ts";
import { openWatchdog, type Watchdog } from "./watchdog.ts";

let folder: string;
let systemd: SystemdSocket;
let memory: MemoryLog;
let watchdog: Watchdog | undefined;
let pathBefore: string | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kt-"));
  systemd = await startSystemdSocket(folder);
  memory = memoryLog();
  pathBefore = process.env["PATH"];
  if (systemd.env["PATH"] !== undefined) process.env["PATH"] = systemd.env["PATH"];
});
afterEach(async () => {
  watchdog?.close();
  watchdog = undefined;
  process.env["PATH"] = pathBefore;
  await systemd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const fed = (): number => systemd.received.filter((message) => message === "WATCHDOG=1").length;
const told = (message: string): Promise<void> => until(`systemd is told ${message}`, () => has(message));
const has = (message: string): boolean => systemd.received.includes(message);
const fedMoreThan = (times: number): Promise<void> => until("it is fed", () => fed() > times);

test("ready, fed with its status while there are signs of life, stopping", async () => {
  const env = { ...systemd.env, WATCHDOG_USEC: "600000", WATCHDOG_PID: "1" };
  watchdog = await openWatchdog({ env, log: memory.log });
  watchdog.alive(60_000, "starting");
  await watchdog.ready();
  await told("READY=1");
  // In one message; a beat may have come before it, for each is a process of its own.
  expect(systemd.received[systemd.received.indexOf("READY=1") + 1]).toBe("STATUS=starting");
  watchdog.alive(60_000, "vopr:\n\x1b[31m12 seeds");
  await told("STATUS=vopr: [31m12 seeds");
  await fedMoreThan(1);
  await watchdog.stopping("done");
  await told("STOPPING=1");
  expect(memory.lines).toEqual([]);
});

test("a cycle that no longer ticks is not fed, and is again when it moves", async () => {
  watchdog = await openWatchdog({ env: { ...systemd.env, WATCHDOG_USEC: "300000" }, log: memory.log });
  watchdog.alive(60_000, "vopr");
  await fedMoreThan(0);
  watchdog.alive(1, "vopr");
  await told("STATUS=no sign of life; before: vopr");
  const before = fed();
  await delay(600);
  expect(fed()).toBe(before);
  expect(memory.lines).toEqual(["error no sign of life: systemd is not told"]);
  watchdog.alive(60_000, "vopr");
  await fedMoreThan(before);
});

test("an event loop that is blocked is not fed, though its last sign of life would be good for longer", async () => {
  watchdog = await openWatchdog({ env: { ...systemd.env, WATCHDOG_USEC: "300000" }, log: memory.log });
  watchdog.alive(60_000, "vopr");
  await fedMoreThan(0);
  const before = fed();
  const endMs = performance.now() + 1_500;
  while (performance.now() < endMs); // what a bug in the runner would do
  // Fifteen beats were due, and the receiver is a process of its own: it would have seen them.
  await delay(100);
  expect(fed() - before).toBeLessThanOrEqual(3);
});

test("what systemd put into the environment is not passed on to programs under test", async () => {
  const env: NodeJS.ProcessEnv = { ...systemd.env, WATCHDOG_USEC: "600000", WATCHDOG_PID: "1", KEPT: "yes" };
  watchdog = await openWatchdog({ env, log: memory.log });
  expect(Object.keys(env).filter((name) => name !== "PATH")).toEqual(["KEPT"]);
});

test("without NOTIFY_SOCKET nothing is sent, and no program is needed", async () => {
  process.env["PATH"] = folder;
  watchdog = await openWatchdog({ env: {}, log: memory.log });
  await watchdog.ready();
  watchdog.alive(1, "x");
  await delay(50);
  expect(systemd.received).toEqual([]);
});

test("systemd waits and systemd-notify is missing: said at once, not found out by a restart", async () => {
  process.env["PATH"] = join(folder, "empty");
  await expect(openWatchdog({ env: { ...systemd.env }, log: memory.log })).rejects.toMatchObject({
    code: "TOOL_MISSING",
    message: expect.stringContaining("systemd-notify cannot be run"),
  });
});
