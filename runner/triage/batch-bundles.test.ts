/** What becomes of the files that a program leaves in its folder. Real files; run-batch.test.ts has a real program. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { packBundle } from "../../contracts/bundle-file.ts";
import type { BundleIdentity } from "../../contracts/bundle.ts";
import type { VoprProfile } from "../../contracts/profile/vopr.ts";
import { fakeProfile } from "../../test/fake-profile.ts";
import { openBatchBundles, type BatchBundles, type BundleRequest } from "./batch-bundles.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kimtest-bundles-"));
  folder = join(root, "batch");
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const BUNDLES = { arguments: ["--out=DIR", "--few"], per_signature: 2 };

function open(
  bundles: Required<VoprProfile>["bundles"] | null = BUNDLES,
  change: Partial<BundleRequest> = {},
): Promise<BatchBundles> {
  const { vopr } = fakeProfile();
  return openBatchBundles({
    profile: bundles === null ? vopr : { ...vopr, bundles },
    batch: {
      id: 1,
      kind: "normal",
      scenario: "combined",
      starting_seed: 10n,
      iterations: 100,
      attempt: 1,
      counted_failures: [],
    },
    expectation: "must-pass",
    commit: "0123abc",
    folder,
    ...change,
  });
}

function packed(seed: bigint, change: Partial<BundleIdentity> = {}): Buffer {
  const failure = { invariant: "agreement", message: "m" };
  return packBundle({ seed, scenario: "combined", commit: "0123abc", flags: [], failure, ...change });
}

function write(name: string, bytes: Buffer): Buffer {
  writeFileSync(join(folder, name), bytes);
  return bytes;
}

test("the folder takes the place of DIR; what was in it is gone", async () => {
  mkdirSync(folder);
  write("left-over.kmb", packed(10n));
  const bundles = await open();
  expect(bundles.arguments).toEqual([`--out=${folder}`, "--few"]);
  expect(readdirSync(folder)).toEqual([]);
  await bundles.remove();
  expect(existsSync(folder)).toBe(false);
});

test("each seed gets its own, whatever it is called; those of seeds to come stay, nothing else does", async () => {
  const bundles = await open();
  const [first, second] = [write("b.kmb", packed(12n)), write("a.kmb", packed(17n))];
  write("half-written.kmb.tmp", Buffer.from("KM"));
  expect(await bundles.take(12n, "agreement")).toEqual({ bytes: first, reason: null });
  expect(readdirSync(folder)).toEqual(["a.kmb", "half-written.kmb.tmp"]);
  write("of-one-that-passed.kmb", packed(11n));
  expect(await bundles.take(17n, "agreement")).toEqual({ bytes: second, reason: null });
  expect(readdirSync(folder)).toEqual(["half-written.kmb.tmp"]);
});

test("of a batch, the first of each signature", async () => {
  const bundles = await open();
  for (let seed = 10n; seed < 16n; seed += 1n) {
    write(`${String(seed)}.kmb`, packed(seed, seed === 15n ? { failure: { invariant: "rare", message: "m" } } : {}));
  }
  const kept: bigint[] = [];
  for (let seed = 10n; seed < 16n; seed += 1n) {
    const taken = await bundles.take(seed, seed === 15n ? "rare" : "agreement");
    if (taken.bytes !== null) kept.push(seed);
    else {
      const reason = "of a batch, the first 2 seeds of a signature have one";
      expect(taken).toEqual({ bytes: null, reason, isExpected: false });
    }
  }
  expect(kept).toEqual([10n, 11n, 15n]);
  expect(readdirSync(folder)).toEqual([]);
});

test.each<[string, () => void, string]>([
  ["none", () => undefined, "the program wrote none"],
  [
    "of a seed of no such batch",
    () => write("x.kmb", packed(110n)),
    "the program wrote none of use: x.kmb is of seed 110",
  ],
  [
    "of another failure",
    () => write("x.kmb", packed(12n, { failure: { invariant: "hash_chain", message: "m" } })),
    "x.kmb is of a failure by hash_chain",
  ],
  [
    "of another commit",
    () => write("x.kmb", packed(12n, { commit: "unknown" })),
    "x.kmb is of commit unknown, tested is 0123abc",
  ],
  [
    "cut short",
    () => write("x.kmb", packed(12n).subarray(0, -7)),
    "the program wrote none of use: x.kmb is cut short: 7 bytes are missing",
  ],
  [
    "something else",
    () => write("x.kmb", Buffer.from("hello")),
    "the program wrote none of use: x.kmb is no bundle of this program",
  ],
  [
    "without a seed",
    () => write("x.kmb", packBundle({})),
    "the program wrote none of use: x.kmb has another content than a bundle: seed Invalid input",
  ],
  [
    "too large",
    () => write("x.kmb", Buffer.alloc(4 * 1024 * 1024 + 1)),
    "the program wrote none of use: x.kmb has more than 4194304 bytes",
  ],
  [
    "too large once it is unpacked",
    () => write("x.kmb", packed(12n, { scenario: "x".repeat(33 * 1024 * 1024) })),
    "the program wrote none of use: x.kmb cannot be unpacked: Cannot create a Buffer larger than 33554432 bytes",
  ],
  [
    "a link to one",
    () => {
      writeFileSync(join(root, "elsewhere"), packed(12n));
      symlinkSync(join(root, "elsewhere"), join(folder, "x.kmb"));
    },
    "the program wrote none of use: x.kmb is no plain file",
  ],
  [
    "a folder",
    () => {
      mkdirSync(join(folder, "x.kmb"));
    },
    "the program wrote none of use: x.kmb is no plain file",
  ],
  [
    "its folder is gone",
    () => {
      rmSync(folder, { recursive: true });
    },
    `its folder cannot be read: ENOENT: no such file or directory`,
  ],
])("%s: the reason, and the rest goes on", async (_, make, reason) => {
  const bundles = await open();
  make();
  const taken = await bundles.take(12n, "agreement");
  expect(taken).toMatchObject({ bytes: null, isExpected: true });
  expect(taken.reason?.slice(0, reason.length)).toBe(reason);
  mkdirSync(folder, { recursive: true });
  expect(readdirSync(folder)).toEqual([]);
  const next = write("next.kmb", packed(13n));
  expect(await bundles.take(13n, "agreement")).toEqual({ bytes: next, reason: null });
});

test("all of a batch together have a limit", async () => {
  const bundles = await open({ arguments: ["DIR"], per_signature: 100 });
  const reasons: (string | null)[] = [];
  for (let seed = 10n; seed < 16n; seed += 1n) {
    // Of 3.1 MiB each, packed.
    write("x.kmb", packed(seed, { scenario: randomBytes(3.1 * 1024 * 1024).toString("base64") }));
    reasons.push((await bundles.take(seed, "agreement")).reason);
  }
  const tooMuch = "the bundles of its batch may have 16777216 bytes together";
  expect(reasons).toEqual([null, null, null, null, null, tooMuch]);
});

test.each<[string, () => Promise<BatchBundles>, string | null, boolean]>([
  ["a profile that asks for none", () => open(null), null, false],
  [
    "a scenario that must detect",
    () => open(BUNDLES, { expectation: "must-detect" }),
    "a scenario that must detect writes none: its seeds fail by design",
    false,
  ],
  [
    "no place for the folder",
    () => {
      writeFileSync(join(root, "file"), "");
      return open(BUNDLES, { folder: join(root, "file", "x") });
    },
    "there is no folder for it: ENOTDIR",
    true,
  ],
])("%s: the program is not asked for any", async (_, opening, reason, isExpected) => {
  const bundles = await opening();
  expect(bundles.arguments).toEqual([]);
  const taken = await bundles.take(12n, "agreement");
  expect(taken).toMatchObject({ bytes: null, isExpected });
  expect(taken.reason?.slice(0, reason?.length) ?? null).toBe(reason);
  await bundles.remove();
});
