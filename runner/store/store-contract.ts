/**
 * What every object store must do, as a suite: folder-store.test.ts and s3-store.test.ts run it.
 */
import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { crc32 } from "node:zlib";

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";

import { KimtestError } from "../../contracts/errors.ts";
import { compareKeys } from "./keys.ts";
import type { ListedObject, ObjectStore } from "./object-store.ts";

export interface StoreUnderTest {
  /** A new and empty store, or a second handle on the one with that name. */
  open(name: string): Promise<ObjectStore>;
}

export interface ContractOptions {
  readonly setUp: () => Promise<StoreUnderTest>;
  readonly tearDown: () => Promise<void>;
  readonly propertyRuns: number;
  /** What has to be set up for writers that race. */
  readonly aroundRace?: (race: () => Promise<void>) => Promise<void>;
}

const MEBIBYTE = 1024 * 1024;

export async function infosOf(listing: AsyncIterable<ListedObject>): Promise<ListedObject[]> {
  const infos: ListedObject[] = [];
  for await (const info of listing) infos.push(info);
  return infos;
}

export async function keysOf(listing: AsyncIterable<ListedObject>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listing) keys.push(key);
  return keys;
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "no error";
  } catch (error) {
    return error instanceof KimtestError ? error.code : `not ours: ${String(error)}`;
  }
}

/** `size` bytes of a pattern that does not repeat in step with any chunk size, made as they are read. */
function* patternChunks(size: number): Generator<Buffer> {
  const chunk = 61_441;
  for (let offset = 0; offset < size; offset += chunk) {
    yield Buffer.alloc(Math.min(chunk, size - offset), `${String(offset)},`);
  }
}

function pattern(size: number, onChunk: (bytes: number) => void): Readable {
  const chunks = function* (): Generator<Buffer> {
    for (const chunk of patternChunks(size)) {
      onChunk(chunk.length);
      yield chunk;
    }
  };
  return Readable.from(chunks(), { objectMode: false });
}

/** What is held, not what the collector has not come to yet, is what counts. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

export const HOSTILE_KEYS: readonly (readonly [string, string])[] = [
  ["empty", ""],
  ["absolute", "/etc/passwd"],
  ["parent", "../outside"],
  ["parent inside", "a/../../outside"],
  ["parent last", "a/.."],
  ["here", "."],
  ["here inside", "a/./b"],
  ["empty segment", "a//b"],
  ["trailing slash", "a/"],
  ["NUL", "a\0b"],
  ["newline", "a\nb"],
  ["long segment", `${"x".repeat(256)}.json`],
  ["long key", `${"x/".repeat(600)}x`],
  ["scratch folder", ".tmp/x"],
  ["half a surrogate pair", "a\ud800b"],
];

const ODD_BUT_FINE = [
  "a b",
  "a+b%20c",
  "a\\b",
  "..a/b..",
  "...",
  "ключ/键/🔑.json",
  ".tmpx",
  "a/.tmp/b",
  "~",
  "-rf",
  "a&<b>\"'",
];

export function describeStoreContract(name: string, options: ContractOptions): void {
  describe(`${name}: contract`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await options.setUp();
    }, 120_000);
    afterAll(async () => {
      await options.tearDown();
    });

    test("an absent object is undefined, not an error", async () => {
      const store = await under.open("absent");
      expect(await store.get("a/b.json")).toBeUndefined();
      expect(await store.openRead("a/b.json")).toBeUndefined();
      expect(await store.head("a/b.json")).toBeUndefined();
      expect(await keysOf(store.list(""))).toEqual([]);
      expect(await store.putIf("a/b.json", "x", { ifMatch: "0123" })).toBeUndefined();
    });

    test("put then get returns the bytes, the size, the etag and a recent time", async () => {
      const store = await under.open("put-get");
      const body = Buffer.from([0, 255, 10, 13, 128, 0]);
      const { etag } = await store.put("digests/latest.json", body);
      const found = await store.get("digests/latest.json");
      expect(found?.body.equals(body)).toBe(true);
      expect(found).toMatchObject({ key: "digests/latest.json", size: 6, etag });
      expect(Math.abs(Date.now() - found!.modified.getTime())).toBeLessThan(60_000);
      await store.put("digests/latest.json", "");
      expect((await store.get("digests/latest.json"))?.size).toBe(0);
    });

    test("get, put and openRead agree on the etag, which changes with the content", async () => {
      const store = await under.open("etags");
      const first = await store.put("a.json", "one");
      const second = await store.put("a.json", "two");
      expect(second.etag).not.toBe(first.etag);
      const [listed] = await infosOf(store.list("a"));
      const opened = await store.openRead("a.json");
      opened?.stream.destroy();
      expect([(await store.get("a.json"))?.etag, opened?.info.etag]).toEqual(Array(2).fill(second.etag));
      expect(listed?.size).toBe(3);
    });

    test.each(HOSTILE_KEYS)("key: %s is refused by every method", async (_fault, key) => {
      const store = await under.open("hostile");
      const source = Readable.from([Buffer.from("x")]);
      const calls = [
        store.get(key),
        store.put(key, "x"),
        store.putIf(key, "x", { ifAbsent: true }),
        store.openRead(key),
        store.head(key),
        store.writeFrom(key, source),
        store.remove(key),
      ];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "BAD_INPUT"));
      expect(await keysOf(store.list(""))).toEqual([]);
    });

    test("odd keys are kept as they are", async () => {
      const store = await under.open("odd");
      for (const key of ODD_BUT_FINE) await store.put(key, key);
      for (const key of ODD_BUT_FINE) expect((await store.get(key))?.body.toString()).toBe(key);
      expect(await keysOf(store.list(""))).toEqual(ODD_BUT_FINE.toSorted(compareKeys));
    });

    test("list: byte order, prefixes that end anywhere, startAfter", async () => {
      const store = await under.open("list");
      const keys = [
        "a",
        "a-b",
        "a.json",
        "ab/c",
        "b/1",
        "b/10",
        "b/2",
        "b0",
        "é",
        "\uffee",
        "😀",
        "failures/vopr/seed-1-5",
        "failures/vopr/seed-12-5",
        "failures/vopr/seed-2-5",
      ];
      for (const key of keys) await store.put(key, "x");
      const sorted = keys.toSorted(compareKeys);
      expect(await keysOf(store.list(""))).toEqual(sorted);
      expect(await keysOf(store.list("failures/vopr/seed-1"))).toEqual([
        "failures/vopr/seed-1-5",
        "failures/vopr/seed-12-5",
      ]);
      expect(await keysOf(store.list("b/"))).toEqual(["b/1", "b/10", "b/2"]);
      expect(await keysOf(store.list("b"))).toEqual(["b/1", "b/10", "b/2", "b0"]);
      expect(await keysOf(store.list("nothing/here"))).toEqual([]);
      expect(await keysOf(store.list("b", { startAfter: "b/10" }))).toEqual(["b/2", "b0"]);
      for (const key of keys) {
        expect(await keysOf(store.list("", { startAfter: key }))).toEqual(sorted.slice(sorted.indexOf(key) + 1));
      }
      expect(await codeOf(keysOf(store.list("../")))).toBe("BAD_INPUT");
    });

    test("an object larger than maxBytes is refused, in get and in put", async () => {
      const store = await under.open("limits");
      await store.put("a", "12345");
      expect(await codeOf(store.get("a", { maxBytes: 4 }))).toBe("LIMIT_EXCEEDED");
      expect((await store.get("a", { maxBytes: 5 }))?.size).toBe(5);
      expect(await codeOf(store.put("b", Buffer.alloc(64 * MEBIBYTE + 1)))).toBe("LIMIT_EXCEEDED");
      expect(await store.get("b")).toBeUndefined();
    });

    test("putIf: only when absent, only when unchanged", async () => {
      const store = await under.open("put-if");
      const first = await store.putIf("registry.json", "1", { ifAbsent: true });
      expect(first).toBeDefined();
      expect(await store.putIf("registry.json", "x", { ifAbsent: true })).toBeUndefined();
      const second = await store.putIf("registry.json", "2", { ifMatch: first!.etag });
      expect(second).toBeDefined();
      expect(await store.putIf("registry.json", "x", { ifMatch: first!.etag })).toBeUndefined();
      expect((await store.get("registry.json"))?.body.toString()).toBe("2");
    });

    const race = async (): Promise<void> => {
      const stores = await Promise.all(Array.from({ length: 8 }, () => under.open("race")));
      for (let round = 0; round < 6; round++) {
        const key = `race/${String(round)}`;
        const created = await Promise.all(
          stores.map((store, writer) => store.putIf(key, `new ${String(writer)}`, { ifAbsent: true })),
        );
        expect(created.filter((result) => result !== undefined)).toHaveLength(1);
        const winner = created.findIndex((result) => result !== undefined);
        expect((await stores[0]!.get(key))?.body.toString()).toBe(`new ${String(winner)}`);
        const { etag } = created[winner]!;
        const changed = await Promise.all(
          stores.map((store, writer) => store.putIf(key, `changed ${String(writer)}`, { ifMatch: etag })),
        );
        expect(changed.filter((result) => result !== undefined)).toHaveLength(1);
      }
    };
    test("of 8 racing conditional writers exactly one wins, each time", async () => {
      await (options.aroundRace ?? ((raced) => raced()))(race);
    }, 180_000);

    test("streams of 96 MB in and out, with flat memory", async () => {
      const store = await under.open("streams");
      const size = 96 * MEBIBYTE + 7;
      const collectGarbage = garbageCollector();
      collectGarbage();
      const baseline = process.memoryUsage().arrayBuffers;
      let peak = 0;
      let passed = 0;
      const measure = (bytes: number): void => {
        if (Math.floor((passed + bytes) / (4 * MEBIBYTE)) > Math.floor(passed / (4 * MEBIBYTE))) {
          collectGarbage();
          peak = Math.max(peak, process.memoryUsage().arrayBuffers - baseline);
        }
        passed += bytes;
      };
      const { etag } = await store.writeFrom("fuzz-corpus/big.bin", pattern(size, measure));
      const opened = await store.openRead("fuzz-corpus/big.bin");
      expect(opened?.info).toMatchObject({ size, etag });
      const expected = patternChunks(size);
      let wanted = Buffer.alloc(0);
      let position = 0;
      for await (const chunk of opened!.stream as AsyncIterable<Buffer>) {
        while (wanted.length < chunk.length) wanted = Buffer.concat([wanted, expected.next().value as Buffer]);
        if (!wanted.subarray(0, chunk.length).equals(chunk)) throw new Error(`wrong bytes after ${position}`);
        wanted = wanted.subarray(chunk.length);
        position += chunk.length;
        measure(chunk.length);
      }
      expect(position).toBe(size);
      // S3: two parts of 8 MiB under way and one being gathered, each for a moment in two copies.
      expect(peak).toBeLessThan(52 * MEBIBYTE);
    }, 300_000);

    test("head: what get tells, and a checksum of the content", async () => {
      const store = await under.open("heads");
      await store.put("a.json", "12345");
      const { body, ...info } = (await store.get("a.json"))!;
      const head = (await store.head("a.json"))!;
      expect(head).toMatchObject({ ...info, availability: "ready" });
      const { algorithm, hex } = head.checksum!;
      const own = algorithm === "crc32" ? crc32(body).toString(16).padStart(8, "0") : hash(algorithm, body, "hex");
      expect(hex).toBe(own);
    });

    test("openRead from an offset on, and only of the content that was meant", async () => {
      const store = await under.open("ranges");
      const { etag } = await store.put("a.txt", "0123456789");
      const opened = await store.openRead("a.txt", { offset: 7, etag });
      expect(opened?.info).toMatchObject({ size: 10, etag });
      expect(await text(opened!.stream)).toBe("789");
      await store.put("a.txt", "9876543210");
      expect(await store.openRead("a.txt", { offset: 7, etag })).toBeUndefined();
      expect(await store.openRead("a.txt", { etag })).toBeUndefined();
    });

    test("small and empty streams work too", async () => {
      const store = await under.open("small-streams");
      await store.writeFrom("empty", Readable.from([]));
      await store.writeFrom("text", Readable.from(["ab", "cd"]));
      expect((await store.get("empty"))?.size).toBe(0);
      expect((await store.get("text"))?.body.toString()).toBe("abcd");
    });

    test.each([
      ["an error", true],
      ["a silent end", false],
    ])("a source that breaks with %s leaves nothing behind", async (_name, withError) => {
      const store = await under.open(`broken-source-${String(withError)}`);
      await store.put("kept", "old");
      for (const [key, size] of [
        ["new", 100],
        ["kept", 12 * MEBIBYTE],
      ] as const) {
        const source = new Readable({ read: () => undefined });
        source.push(Buffer.alloc(size));
        setTimeout(() => source.destroy(withError ? new Error("the disk of the source broke") : undefined), 50);
        await expect(store.writeFrom(key, source)).rejects.toThrow();
      }
      expect(await keysOf(store.list(""))).toEqual(["kept"]);
      expect((await store.get("kept"))?.body.toString()).toBe("old");
    });

    test("any sequence of operations does what a map does", async () => {
      const keyArbitrary = fc.constantFrom("a/1", "a/2", "a/10", "a.json", "b/c/d", "b/c/e", "é/ü", "z");
      const bodyArbitrary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
      const operation = fc.oneof(
        fc.record({ kind: fc.constant("put" as const), key: keyArbitrary, body: bodyArbitrary }),
        fc.record({ kind: fc.constant("ifAbsent" as const), key: keyArbitrary, body: bodyArbitrary }),
        fc.record({
          kind: fc.constant("ifMatch" as const),
          key: keyArbitrary,
          body: bodyArbitrary,
          fresh: fc.boolean(),
        }),
        fc.record({ kind: fc.constant("stream" as const), key: keyArbitrary, body: bodyArbitrary }),
        fc.record({ kind: fc.constant("get" as const), key: keyArbitrary }),
        fc.record({ kind: fc.constant("remove" as const), key: keyArbitrary }),
        fc.record({
          kind: fc.constant("list" as const),
          prefix: fc.constantFrom("", "a", "a/", "a/1", "b/c/", "é", "q"),
        }),
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
          const store = await under.open(`model-${String(run++)}`);
          const model = new Map<string, { body: Buffer; etag: string }>();
          for (const step of operations) {
            if (step.kind === "get") {
              expect((await store.get(step.key))?.body).toEqual(model.get(step.key)?.body);
            } else if (step.kind === "remove") {
              await store.remove(step.key);
              model.delete(step.key);
            } else if (step.kind === "list") {
              const expected = [...model.keys()].filter((key) => key.startsWith(step.prefix)).sort(compareKeys);
              expect(await keysOf(store.list(step.prefix))).toEqual(expected);
            } else {
              const { key, body } = step;
              const present = model.get(key);
              if (step.kind === "put") model.set(key, { body, ...(await store.put(key, body)) });
              else if (step.kind === "stream") {
                model.set(key, { body, ...(await store.writeFrom(key, Readable.from([body]))) });
              } else {
                const condition =
                  step.kind === "ifAbsent"
                    ? ({ ifAbsent: true } as const)
                    : { ifMatch: step.fresh ? (present?.etag ?? "00") : "00" };
                const shouldWin =
                  step.kind === "ifAbsent" ? present === undefined : step.fresh && present !== undefined;
                const result = await store.putIf(key, body, condition);
                expect(result !== undefined).toBe(shouldWin);
                if (result !== undefined) model.set(key, { body, ...result });
              }
            }
          }
          expect(await keysOf(store.list(""))).toEqual([...model.keys()].sort(compareKeys));
          store.close();
        }),
        { numRuns: options.propertyRuns },
      );
    }, 300_000);
  });
}
