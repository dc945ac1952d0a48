import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { memoryLog, type MemoryLog } from "../../test/memory-log.ts";
import { RecordingMetrics } from "../../test/recording-metrics.ts";
import { until } from "../../test/until.ts";
import { systemClock } from "./clock.ts";
import { Notices } from "./notices.ts";
import type { Notice } from "./notifier.ts";

const digest = (cycle: number): Notice => ({ kind: "digest", subject: `cycle ${String(cycle)}`, body: "text" });
const going = new AbortController().signal;

let folder: string;
let memory: MemoryLog;
let metrics: RecordingMetrics;
let sent: string[];
let isDown: boolean;
let taking: Promise<void>;
let refused: ReadonlySet<string>;
let attempts: number;
let nowMs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-notices-"));
  memory = memoryLog();
  metrics = new RecordingMetrics();
  sent = [];
  isDown = false;
  taking = Promise.resolve();
  refused = new Set();
  attempts = 0;
  nowMs = 0;
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = (): Promise<Notices> =>
  Notices.open({
    folder,
    clock: { ...systemClock, monotonicMs: () => nowMs },
    log: memory.log,
    metrics,
    notifier: {
      notify: async ({ subject }) => {
        attempts += 1;
        await taking;
        if (refused.has(subject)) throw new Error("message refused");
        if (isDown) throw new Error("mail server down");
        sent.push(subject);
      },
    },
  });

test("kept until it was taken, over restarts, then sent once and in order", async () => {
  isDown = true;
  const first = await open();
  await first.put(1, digest(1));
  await first.deliver(30_000, going);
  const second = await open();
  expect(second.waiting).toBe(1);
  await second.put(2, digest(2));
  await second.deliver(30_000, going);
  expect(sent).toEqual([]);
  expect(metrics.sums).toEqual({});
  isDown = false;
  const third = await open();
  await third.deliver(30_000, going);
  await third.deliver(30_000, going);
  expect(sent).toEqual(["cycle 1", "cycle 2"]);
  expect(metrics.sums).toEqual({ DigestSent: 2 });
  expect(readdirSync(folder)).toEqual([]);
  expect((await open()).waiting).toBe(0);
});

test("a digest that is made again, its phase having been killed, takes the place of the first", async () => {
  const notices = await open();
  await notices.put(3, digest(3));
  await notices.put(3, { ...digest(3), subject: "cycle 3, again" });
  await notices.deliver(30_000, going);
  expect(sent).toEqual(["cycle 3, again"]);
});

test("by itself it is tried every five minutes", async () => {
  isDown = true;
  const notices = await open();
  await notices.put(1, digest(1));
  await notices.deliver(30_000, going);
  isDown = false;
  nowMs = 299_000;
  notices.deliverIfDue(30_000, going);
  await delay(50);
  expect(sent).toEqual([]);
  nowMs = 300_000;
  notices.deliverIfDue(30_000, going);
  for (let waits = 0; notices.waiting > 0 && waits < 1_000; waits += 1) await delay(10);
  expect(sent).toEqual(["cycle 1"]);
});

test("one that is put while others are being sent is sent by who asks then", async () => {
  const notices = await open();
  await notices.put(1, digest(1));
  const slow = Promise.withResolvers<undefined>();
  taking = slow.promise;
  notices.deliverIfDue(30_000, going);
  await until("the first is being sent", () => attempts === 1);
  await notices.put(2, digest(2));
  const delivered = notices.deliver(30_000, going);
  slow.resolve(undefined);
  await delivered;
  expect(sent).toEqual(["cycle 1", "cycle 2"]);
  expect(notices.waiting).toBe(0);
});

test("that of a cycle whose digest was cut is not sent before it is made again", async () => {
  await (await open()).put(3, digest(3));
  const notices = await open();
  await notices.put(2, digest(2));
  notices.deliverIfDue(30_000, going, 3);
  await until("one waits", () => notices.waiting === 1);
  nowMs = 300_000;
  notices.deliverIfDue(30_000, going, 3);
  await delay(50);
  await notices.put(3, { ...digest(3), subject: "cycle 3, again" });
  await notices.deliver(30_000, going);
  expect(sent).toEqual(["cycle 2", "cycle 3, again"]);
});

test("who sends for too long begins with no other", async () => {
  const notices = await open();
  for (const cycle of [1, 2]) await notices.put(cycle, digest(cycle));
  const slow = Promise.withResolvers<undefined>();
  taking = slow.promise;
  await notices.deliver(50, going);
  slow.resolve(undefined);
  await until("one waits", () => notices.waiting === 1);
  await delay(50);
  expect(sent).toEqual(["cycle 1"]);
});

test("a damaged one is moved aside and said, and holds up nobody", async () => {
  writeFileSync(join(folder, "digest-000001.json"), '{"kind": "dig');
  const notices = await open();
  await notices.put(2, digest(2));
  await notices.deliver(30_000, going);
  expect(sent).toEqual(["cycle 2"]);
  expect(readdirSync(folder)).toEqual(["digest-000001.json.damaged"]);
  expect(memory.lines).toContain("error a digest that waited to be sent is damaged: moved aside");
});

test("one that is always refused holds up nobody", async () => {
  refused = new Set(["cycle 1"]);
  const notices = await open();
  for (const cycle of [1, 2, 3]) await notices.put(cycle, digest(cycle));
  await notices.deliver(30_000, going);
  expect(sent).toEqual(["cycle 2", "cycle 3"]);
  expect(readdirSync(folder)).toEqual(["digest-000001.json"]);
});

test("when nobody is there to take them, not all of them are tried", async () => {
  isDown = true;
  const notices = await open();
  for (const cycle of [1, 2, 3, 4, 5]) await notices.put(cycle, digest(cycle));
  await notices.deliver(30_000, going);
  expect(attempts).toBe(3);
  expect(notices.waiting).toBe(5);
});

test("no more than fifty wait: the oldest is given up in words", async () => {
  const notices = await open();
  for (let cycle = 1; cycle <= 51; cycle += 1) await notices.put(cycle, digest(cycle));
  expect(notices.waiting).toBe(50);
  expect(readdirSync(folder).sort()[0]).toBe("digest-000002.json");
  expect(memory.lines).toEqual(["error too many digests wait to be sent: the oldest is given up"]);
});
