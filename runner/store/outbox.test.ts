/**
 * The outbox: nothing lost, nothing reordered, whatever dies. Real files and real kills; the store is one
 * that records, or S3 behind a proxy that goes away (outbox-s3.test.ts).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";

import { until } from "../../test/until.ts";
import { VirtualClock } from "../../test/virtual-time.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { entryFileName } from "./outbox-entry.ts";
import { watchSyncs } from "./sync-watch.fixture.ts";
import { RecordingStore, withoutRepeats } from "./outbox-store.fixture.ts";
import { Outbox, type OutboxEvent, type OutboxOptions } from "./outbox.ts";

const FAST = { retry: { firstMs: 1, maxMs: 4 }, refusedRetry: { firstMs: 1, maxMs: 4 } };
const PATIENCE_MS = 60_000;

let parent: string;
let folders = 0;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "kimtest-outbox-"));
});
afterAll(() => rm(parent, { recursive: true }));
const newDirectory = (): string => join(parent, String(folders++));

async function opened(
  directory: string,
  store: RecordingStore,
  more: Partial<OutboxOptions> = {},
): Promise<{ outbox: Outbox; events: OutboxEvent[] }> {
  const events: OutboxEvent[] = [];
  const outbox = await Outbox.open({ directory, store, ...FAST, onEvent: (event) => events.push(event), ...more });
  return { outbox, events };
}

const deadStore = (): RecordingStore => {
  const store = new RecordingStore();
  store.failure = () => "STORE_UNREACHABLE";
  return store;
};

const outageBegun = (outbox: Outbox): Promise<void> =>
  until("the store was found away", () => outbox.outage().since !== undefined);

describe("Outbox", () => {
  test("a put is on disk when it resolves, delivered later, and its file goes after that", async () => {
    const directory = newDirectory();
    const store = deadStore();
    const { outbox } = await opened(directory, store);
    await outbox.put("a/b.json", "hello");
    expect(await readdir(join(directory, "entries"))).toEqual([entryFileName(1)]);
    expect(await readFile(join(directory, "entries", entryFileName(1)), "utf8")).toMatch(/\nhello$/);
    expect([outbox.waiting(), store.received]).toEqual([1, []]);
    store.failure = () => undefined;
    expect(await outbox.flush(PATIENCE_MS)).toEqual({ delivered: true, waiting: 0 });
    expect(store.received).toEqual([{ key: "a/b.json", body: "hello" }]);
    expect([outbox.waiting(), outbox.waitingBytes()]).toEqual([0, 0]);
    await outbox.close();
    expect(await readdir(join(directory, "entries"))).toEqual([]);
  });

  test("put resolves after the entry and the name of its file are fsynced", async () => {
    const directory = newDirectory();
    const store = new RecordingStore();
    let attempts = 0;
    store.failure = () => {
      attempts++;
      return "STORE_UNREACHABLE";
    };
    const { outbox } = await opened(directory, store);
    await outbox.put("first", "so that the outage is on record");
    await until("it is asked again, which it is not before the outage is on record", () => attempts > 1);
    const names = async (): Promise<string> =>
      (await readdir(join(directory, "entries")))
        .map((name) => (name.startsWith(".tmp-") ? "unfinished" : name))
        .join(" ");
    const watch = await watchSyncs(async (kind) => `${kind}: ${await names()}`);
    try {
      await outbox.put("second", "x");
      expect(watch.seen).toEqual([
        `file: unfinished ${entryFileName(1)}`,
        `folder: ${entryFileName(1)} ${entryFileName(2)}`,
      ]);
    } finally {
      watch.stop();
    }
    await outbox.close();
  });

  test("an entry has its final name only when it is complete", async () => {
    const directory = newDirectory();
    const { outbox } = await opened(directory, deadStore());
    const size = 48 * 1024 * 1024;
    // A fast disk, or a machine that stands still, may leave no time to look: then another one is put.
    let looks = 0;
    for (let number = 1; looks <= 3 && number <= 10; number++) {
      const progress = { isDone: false };
      const put = outbox.put("big", Buffer.alloc(size)).finally(() => {
        progress.isDone = true;
      });
      const path = join(directory, "entries", entryFileName(number));
      for (; !progress.isDone; looks++) {
        if (existsSync(path)) expect((await stat(path)).size).toBeGreaterThan(size);
        await systemClock.sleep(1);
      }
      await put;
    }
    expect(looks).toBeGreaterThan(3);
    await outbox.close();
  });

  test("a refused key is not asked for again before its round", async () => {
    const store = new RecordingStore();
    let attempts = 0;
    store.failure = () => {
      attempts++;
      return "STORE_REFUSED";
    };
    const { outbox } = await opened(newDirectory(), store, { refusedRetry: { firstMs: 100_000, maxMs: 100_000 } });
    await outbox.put("forbidden", "1");
    await outbox.put("forbidden", "2");
    await until("it was asked for", () => attempts > 0);
    await systemClock.sleep(100);
    expect(attempts).toBe(1);
    await outbox.close();
  });

  test("the next owner delivers what the last one left, in the same order, and numbers go on", async () => {
    const directory = newDirectory();
    const first = await opened(directory, deadStore());
    for (let number = 0; number < 30; number++) await first.outbox.put(`key-${String(number % 3)}`, String(number));
    expect(await first.outbox.flush(20)).toEqual({ delivered: false, waiting: 30 });
    await first.outbox.close();
    await expect(first.outbox.put("late", "x")).rejects.toMatchObject({ code: "INTERRUPTED" });
    const store = new RecordingStore();
    store.lastsMs = 20; // long enough to meet others
    const second = await opened(directory, store);
    for (let number = 30; number < 33; number++) await second.outbox.put(`key-${String(number % 3)}`, String(number));
    expect((await second.outbox.flush(PATIENCE_MS)).delivered).toBe(true);
    for (const rest of [0, 1, 2]) {
      expect(store.bodiesOf(`key-${String(rest)}`)).toEqual(
        Array.from({ length: 11 }, (_, index) => String(index * 3 + rest)),
      );
    }
    expect(store.mostInFlight).toBeLessThanOrEqual(4);
    expect(store.mostInFlight).toBeGreaterThan(1);
    await second.outbox.close();
  });

  test("random failures, lost answers, restarts: all delivered, per key in order, never two at once", async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ kind: fc.constant("put" as const), key: fc.constantFrom("a", "b", "c/d", "e") }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("burst" as const), key: fc.constantFrom("a", "b") }) },
    );
    const fates = fc.infiniteStream(
      fc.constantFrom(
        undefined,
        undefined,
        undefined,
        "STORE_UNREACHABLE" as const,
        "STORE_REFUSED" as const,
        "cut" as const,
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), fates, async (steps, fate) => {
        const directory = newDirectory();
        const store = new RecordingStore();
        store.failure = () => fate.next().value as ReturnType<RecordingStore["failure"]>;
        const sent = new Map<string, string[]>();
        let { outbox } = await opened(directory, store);
        let number = 0;
        const put = (key: string): Promise<void> => {
          const body = String(number++);
          sent.set(key, [...(sent.get(key) ?? []), body]);
          return outbox.put(key, body);
        };
        for (const each of steps) {
          if (each.kind === "put") await put(each.key);
          else if (each.kind === "burst") await Promise.all(Array.from({ length: 5 }, () => put(each.key)));
          else {
            await outbox.close();
            ({ outbox } = await opened(directory, store));
          }
        }
        store.failure = () => undefined;
        expect(await outbox.flush(PATIENCE_MS)).toEqual({ delivered: true, waiting: 0 });
        await outbox.close();
        for (const [key, bodies] of sent) expect(withoutRepeats(store.bodiesOf(key))).toEqual(bodies);
        expect(store.overlaps).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }, 300_000);

  test("a refused key waits for its own sake only, is reported once, and goes when it may", async () => {
    const store = new RecordingStore();
    store.failure = (key) => (key === "forbidden" ? "STORE_REFUSED" : undefined);
    const { outbox, events } = await opened(newDirectory(), store);
    await outbox.put("forbidden", "1");
    await outbox.put("forbidden", "2");
    for (let number = 0; number < 20; number++) await outbox.put(`fine-${String(number % 2)}`, String(number));
    await until("all others are delivered", () => outbox.waiting() === 2);
    expect(await outbox.flush(50)).toEqual({ delivered: false, waiting: 2 });
    expect(store.received).toHaveLength(20);
    expect(outbox.refused()).toMatchObject([{ key: "forbidden", reason: "forbidden: STORE_REFUSED" }]);
    expect(events.filter(({ type }) => type === "refused")).toHaveLength(1);
    expect(outbox.outage()).toEqual({ since: undefined, totalMs: 0, lastReason: undefined });
    store.failure = () => undefined;
    expect((await outbox.flush(PATIENCE_MS)).delivered).toBe(true);
    expect(store.bodiesOf("forbidden")).toEqual(["1", "2"]);
    expect(outbox.refused()).toEqual([]);
    await outbox.close();
  });

  test("superseding puts replace each other while they wait; others and their order stay", async () => {
    const directory = newDirectory();
    const store = deadStore();
    const { outbox, events } = await opened(directory, store);
    await outbox.put("log", "1");
    for (let number = 0; number < 50; number++) {
      await outbox.put("checkpoints/latest.json", `state ${String(number)}`, { supersedes: true });
    }
    await outbox.put("log", "2");
    // One may be on its way at any moment and is then left alone.
    expect(outbox.waiting()).toBeLessThanOrEqual(4);
    expect(await readdir(join(directory, "entries"))).toHaveLength(outbox.waiting());
    expect(events.filter(({ type }) => type === "superseded").length).toBeGreaterThanOrEqual(48);
    expect((await outbox.read("checkpoints/latest.json"))?.toString()).toBe("state 49");
    await outbox.close();
    const next = new RecordingStore();
    const second = await opened(directory, next);
    expect((await second.outbox.flush(PATIENCE_MS)).delivered).toBe(true);
    expect(next.bodiesOf("checkpoints/latest.json").at(-1)).toBe("state 49");
    expect(next.bodiesOf("log")).toEqual(["1", "2"]);
    await second.outbox.close();
  });

  test("a superseding put does not replace an ordinary one", async () => {
    const store = deadStore();
    const { outbox } = await opened(newDirectory(), store);
    await outbox.put("key", "ordinary");
    await outbox.put("key", "replaceable", { supersedes: true });
    await outbox.put("key", "ordinary too");
    await outbox.put("key", "last", { supersedes: true });
    store.failure = () => undefined;
    await outbox.flush(PATIENCE_MS);
    expect(store.bodiesOf("key")).toEqual(["ordinary", "ordinary too", "last"]);
    await outbox.close();
  });

  test("read gives the newest waiting body, and nothing once it is delivered", async () => {
    const store = deadStore();
    const { outbox } = await opened(newDirectory(), store);
    expect(await outbox.read("a")).toBeUndefined();
    await outbox.put("a", "1");
    await outbox.put("a", "2");
    expect((await outbox.read("a"))?.toString()).toBe("2");
    store.failure = () => undefined;
    await outbox.flush(PATIENCE_MS);
    expect(await outbox.read("a")).toBeUndefined();
    await outbox.close();
  });

  test("beyond its limits a put is refused with the reason, and what waits stays", async () => {
    const store = deadStore();
    const { outbox } = await opened(newDirectory(), store, { maxEntries: 3, maxBytes: 2000 });
    await outbox.put("a", "1");
    await outbox.put("a", "2");
    await expect(outbox.put("big", Buffer.alloc(2000))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    await outbox.put("state", "1", { supersedes: true });
    await expect(outbox.put("a", "4")).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      message: expect.stringMatching(/is full with 3 entries.*a not stored/),
    });
    expect(outbox.waiting()).toBe(3);
    store.failure = () => undefined;
    expect((await outbox.flush(PATIENCE_MS)).delivered).toBe(true);
    await outbox.put("a", "5");
    await outbox.flush(PATIENCE_MS);
    expect(store.bodiesOf("a")).toEqual(["1", "2", "5"]);
    await outbox.close();
  });

  test.each([
    ["cut short", (path: string) => truncate(path, 120)],
    ["empty", (path: string) => truncate(path, 0)],
    ["a flipped bit in the body", (path: string) => flipBit(path, -1)],
    ["a flipped bit in the header", (path: string) => flipBit(path, 110)],
    ["in another's place", async (path: string) => rename(path, path.replace("2.entry", "9.entry"))],
  ])("a damaged entry (%s) is set aside, reported and never delivered; the others are", async (_name, damage) => {
    const directory = newDirectory();
    const first = await opened(directory, deadStore());
    for (const number of [1, 2, 3]) await first.outbox.put("key", `body ${String(number)}`);
    await first.outbox.close();
    await damage(join(directory, "entries", entryFileName(2)));
    await writeFile(join(directory, "entries", ".tmp-torn"), "kimtest-outbox 1");
    const store = new RecordingStore();
    const { outbox, events } = await opened(directory, store);
    expect(await outbox.flush(PATIENCE_MS)).toEqual({ delivered: true, waiting: 0 });
    expect(store.bodiesOf("key")).toEqual(["body 1", "body 3"]);
    expect(events.filter(({ type }) => type === "damaged")).toHaveLength(1);
    expect(await readdir(join(directory, "damaged"))).toHaveLength(1);
    expect(await readdir(join(directory, "entries"))).toEqual([]);
    await outbox.close();
  });

  test("only one owner at a time; a closed one makes room", async () => {
    const directory = newDirectory();
    const { outbox } = await opened(directory, new RecordingStore());
    await expect(opened(directory, new RecordingStore())).rejects.toMatchObject({
      code: "ALREADY_RUNNING",
      message: expect.stringContaining(`process ${String(process.pid)}`),
    });
    await outbox.close();
    const { outbox: next } = await opened(directory, new RecordingStore());
    await next.close();
  });

  test("the time of outages is counted over restarts, and both ends are reported", async () => {
    const directory = newDirectory();
    let nowMs = Date.parse("2026-03-01T00:00:00Z");
    const clock = { ...systemClock, nowMs: () => nowMs };
    const first = await opened(directory, deadStore(), { clock });
    await first.outbox.put("a", "1");
    await outageBegun(first.outbox);
    expect(first.outbox.outage()).toEqual({
      since: new Date(nowMs),
      totalMs: 0,
      lastReason: "a: STORE_UNREACHABLE",
    });
    nowMs += 60_000;
    expect(first.outbox.outage().totalMs).toBe(60_000);
    await first.outbox.close();
    nowMs += 60_000;
    const store = new RecordingStore();
    const second = await opened(directory, store, { clock });
    await second.outbox.flush(PATIENCE_MS);
    nowMs += 60_000;
    expect(second.outbox.outage()).toMatchObject({ since: undefined, totalMs: 120_000 });
    expect(second.events).toContainEqual({ type: "outage-ended", lastedMs: 120_000 });
    store.failure = () => "STORE_UNREACHABLE";
    await second.outbox.put("a", "2");
    await outageBegun(second.outbox);
    nowMs += 1_000;
    expect(second.outbox.outage().totalMs).toBe(121_000);
    store.failure = () => undefined;
    await second.outbox.flush(PATIENCE_MS);
    expect(second.events.filter(({ type }) => type === "outage-ended")).toEqual([
      { type: "outage-ended", lastedMs: 120_000 },
      { type: "outage-ended", lastedMs: 1_000 },
    ]);
    await second.outbox.close();
  });

  test("in an outage one delivery asks at growing intervals, whatever the number of keys", async () => {
    const time = new VirtualClock(0, 0);
    let looks = 0;
    const clock: Clock = {
      nowMs: () => time.nowMs(),
      // No two looks at a real clock see the same.
      monotonicMs: () => time.monotonicMs() + (looks += 1e-6),
      sleep: (ms, signal) => time.sleep(ms, signal),
    };
    const store = new RecordingStore();
    const askedAtMs: number[] = [];
    store.failure = () => {
      askedAtMs.push(Math.round(clock.monotonicMs()));
      return "STORE_UNREACHABLE";
    };
    const { outbox } = await opened(newDirectory(), store, {
      clock,
      retry: { firstMs: 1000, maxMs: 8000 },
      random: () => 0.999_999,
    });
    await time.during(Promise.all(Array.from({ length: 50 }, (_, index) => outbox.put(`key-${String(index)}`, "x"))));
    await time.during(time.sleep(40_000));
    const [first = NaN] = askedAtMs;
    // Those that were under way when the outage began are one failure.
    const later = askedAtMs.filter((atMs) => atMs > first).map((atMs) => atMs - first);
    expect(later.slice(0, 6)).toEqual([1_000, 3_000, 7_000, 15_000, 23_000, 31_000]);
    expect(askedAtMs.length - later.length).toBeLessThanOrEqual(4);
    await outbox.close();
  });
});

async function flipBit(path: string, at: number): Promise<void> {
  const file = await readFile(path);
  const index = at < 0 ? file.length + at : at;
  file[index] = file[index]! ^ 1;
  await writeFile(path, file);
}

const WRITER = fileURLToPath(new URL("outbox-writer.fixture.ts", import.meta.url));
const KILLS = 21;

describe("Outbox, killed", () => {
  test(`after each of ${KILLS} kills at random moments, all that was acknowledged is delivered in order`, async () => {
    const directory = newDirectory();
    const folder = newDirectory();
    const away = `${folder}-away`;
    await mkdir(folder);
    const acknowledged = new Map<string, number[]>();
    let first = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      // In every third life the store is dead.
      if (kill % 3 === 2) await rename(folder, away);
      const child = spawn(process.execPath, [WRITER, directory, folder, String(first)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let most = first - 1;
      const told = new Map<string, number>();
      const lines = createInterface({ input: child.stdout });
      const isOpen = new Promise((resolve) => lines.once("line", resolve));
      lines.on("line", (line) => {
        const [key = "", number = ""] = line.split(" ");
        if (number === "") return;
        acknowledged.set(key, [...(acknowledged.get(key) ?? []), Number(number)]);
        told.set(key, (told.get(key) ?? 0) + 1);
        most = Math.max(most, Number(number));
      });
      const ended = Promise.all([once(lines, "close"), once(child, "close")]);
      try {
        await isOpen;
        // Some die as soon as it is open, however fast the disk; the others have made promises of every key.
        const isLong = kill % 7 !== 0;
        await until("puts are acknowledged", () => !isLong || ["a", "b", "c"].every((key) => (told.get(key) ?? 0) > 1));
        await systemClock.sleep(Math.random() * 60);
      } finally {
        child.kill("SIGKILL");
        await ended;
      }
      // The number after the last may have been put without having been acknowledged.
      first = most + 2;
      if (kill % 3 === 2) await rename(away, folder);
    }
    const store = new RecordingStore();
    const { outbox, events } = await opened(directory, store);
    expect((await outbox.flush(PATIENCE_MS)).delivered).toBe(true);
    await outbox.close();
    const received = (await readFile(join(folder, "received"), "utf8")).trimEnd().split("\n");
    expect(acknowledged.size).toBe(3);
    for (const [key, promised] of acknowledged) {
      const earlier = received.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(2));
      const numbers = withoutRepeats([...earlier, ...store.bodiesOf(key)]).map(Number);
      expect(numbers).toEqual(numbers.toSorted((left, right) => left - right));
      expect(new Set(numbers).size).toBe(numbers.length);
      const got = new Set(numbers);
      expect(promised.filter((number) => !got.has(number))).toEqual([]);
      expect(promised.length).toBeGreaterThan(KILLS);
    }
    expect(events.filter(({ type }) => type === "damaged")).toEqual([]);
  }, 300_000);
});
