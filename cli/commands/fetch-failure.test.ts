/** fetch-failure on a real folder store: which failure is meant, what is written where, and what is not. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { findingId, voprBundleKey } from "../../contracts/bucket.ts";
import { parseJson } from "../../contracts/json.ts";
import { fetchedFailuresSchema } from "../../contracts/reports.ts";
import { cycleState, knownFinding, sighting } from "../../runner/phases/digest/samples.fixture.ts";
import { kimtest, type Ran } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";
import { voprFailureRecord } from "../vopr-failure.fixture.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const KEY = "failures/vopr/seed-17-1700000000000.json";
const FUZZ_KEY = "failures/fuzz/json-1700000001000.tar.gz";
/** No text: every byte value, and more than one chunk of a stream. */
const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 256));

function folderWithFailures(): Folder {
  const folder = new Folder();
  folder.put(KEY, BYTES);
  folder.put(FUZZ_KEY, BYTES);
  return folder;
}
const fetched = (folder: Folder, key: string, ...more: string[]): Promise<Ran> =>
  kimtest(["fetch-failure", key, "--store", folder.store, "--to", join(folder.path, "here"), ...more]);

test.each([KEY, "vopr/seed-17-1700000000000.json"])("%s: the same bytes, and what to type next", async (key) => {
  const folder = folderWithFailures();
  const path = join(folder.path, "here/seed-17-1700000000000.json");
  expect(await fetched(folder, key)).toEqual({
    exitCode: 0,
    stdout: `${path}\n`,
    stderr: `reproduce it: npx kimtest vopr-repro ${path}\n`,
  });
  expect(readFileSync(path).equals(BYTES)).toBe(true);
  expect(readdirSync(join(folder.path, "here"))).toEqual(["seed-17-1700000000000.json"]);
});

test("a fuzz archive, as JSON", async () => {
  const folder = folderWithFailures();
  const path = join(folder.path, "here/json-1700000001000.tar.gz");
  const ran = await fetched(folder, FUZZ_KEY, "--json");
  const printed = parseJson(ran.stdout, "stdout");
  expect(fetchedFailuresSchema.parse(printed)).toEqual(printed);
  expect(printed).toEqual({
    fetched: [
      {
        key: FUZZ_KEY,
        path,
        size: BYTES.length,
        verified: "sha256",
        new: true,
        bundle: null,
        extracted: null,
        next: `tar -xzOf ${path} failure.json`,
      },
    ],
    failed: [],
  });
  expect(readFileSync(path).equals(BYTES)).toBe(true);
});

describe("with its bundle", () => {
  const BUNDLE_KEY = voprBundleKey(KEY);
  const withRecord = (): Folder => {
    const folder = new Folder();
    // The record may say what it likes: the bundle is the one beside it.
    folder.put(KEY, voprFailureRecord({ bundle_key: "../../etc/passwd" }));
    return folder;
  };
  const here = (folder: Folder, name: string): string => join(folder.path, "here", name);

  test("both are brought, and the next command takes the record", async () => {
    const folder = withRecord();
    folder.put(BUNDLE_KEY, BYTES);
    const [record, bundle] = ["json", "kmb"].map((extension) => here(folder, `seed-17-1700000000000.${extension}`));
    expect(await fetched(folder, KEY)).toEqual({
      exitCode: 0,
      stdout: `${record ?? ""}\n`,
      stderr: `its bundle: ${bundle ?? ""}\nreproduce it: npx kimtest vopr-repro ${record ?? ""}\n`,
    });
    expect(readFileSync(bundle ?? "").equals(BYTES)).toBe(true);
    const again = parseJson((await fetched(folder, KEY, "--json")).stdout, "stdout");
    expect(fetchedFailuresSchema.parse(again)).toEqual(again);
    expect(again).toMatchObject({
      fetched: [{ key: KEY, new: false, bundle: { path: bundle, size: BYTES.length, verified: "sha256", new: false } }],
    });
  });

  test("a record without one, and one of before there were any: nothing is looked for", async () => {
    const folder = new Folder();
    folder.put(KEY, voprFailureRecord({ bundle_key: null }));
    folder.put(BUNDLE_KEY, BYTES);
    expect(JSON.parse((await fetched(folder, KEY, "--json")).stdout)).toMatchObject({ fetched: [{ bundle: null }] });
    folder.put(KEY, voprFailureRecord({ bundle_key: undefined }));
    const ran = await fetched(folder, KEY, "--json", "--force");
    expect(JSON.parse(ran.stdout)).toMatchObject({ fetched: [{ bundle: null }] });
    expect(readdirSync(join(folder.path, "here"))).toEqual(["seed-17-1700000000000.json"]);
  });

  test("one that is named and not there: exit code 4, and the record is here", async () => {
    const folder = withRecord();
    const record = here(folder, "seed-17-1700000000000.json");
    const ran = await fetched(folder, KEY);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(/seed-17-1700000000000\.json is here, its bundle is not: .*\.kmb is not in /);
    expect(ran.stderr).toContain("it may still be on its way to the store; without it vopr-repro runs the seed\n");
    expect(readdirSync(join(folder.path, "here"))).toEqual(["seed-17-1700000000000.json"]);
    expect(existsSync(record)).toBe(true);
  });

  test("another file under the bundle's name stays, unless --force", async () => {
    const folder = withRecord();
    folder.put(BUNDLE_KEY, BYTES);
    mkdirSync(join(folder.path, "here"));
    const bundle = here(folder, "seed-17-1700000000000.kmb");
    writeFileSync(bundle, "mine");
    const ran = await fetched(folder, KEY);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain("kmb is there already, and is not what is stored\n  --force replaces it");
    expect(readFileSync(bundle, "utf8")).toBe("mine");
    expect((await fetched(folder, KEY, "--force")).exitCode).toBe(0);
    expect(readFileSync(bundle).equals(BYTES)).toBe(true);
  });

  test("no failure of its own: neither listed nor found by its key", async () => {
    const folder = withRecord();
    folder.put(BUNDLE_KEY, BYTES);
    const listed = await kimtest(["list-failures", "--store", folder.store, "--json"]);
    expect((JSON.parse(listed.stdout) as { failures: object[] }).failures).toMatchObject([{ key: KEY }]);
    expect(JSON.parse((await fetched(folder, "seed-17-", "--json")).stdout)).toMatchObject({ fetched: [{ key: KEY }] });
    expect(await fetched(folder, BUNDLE_KEY)).toMatchObject({ exitCode: 4, stdout: "" });
  });
});

test("a folder with a space: the line to paste is quoted", async () => {
  const folder = folderWithFailures();
  const to = join(folder.path, "my failures");
  const ran = await kimtest(["fetch-failure", KEY, "--store", folder.store, "--to", to]);
  expect(ran.stderr).toBe(`reproduce it: npx kimtest vopr-repro '${to}/seed-17-1700000000000.json'\n`);
});

describe("something is there already", () => {
  const path = (folder: Folder): string => join(folder.path, "here/seed-17-1700000000000.json");
  const there = (folder: Folder, make: (path: string) => void): Folder => {
    mkdirSync(join(folder.path, "here"));
    make(path(folder));
    return folder;
  };

  test("the same file: said, and left alone", async () => {
    const folder = there(folderWithFailures(), (path) => {
      writeFileSync(path, BYTES);
    });
    const before = lstatSync(path(folder)).ino;
    const ran = await fetched(folder, KEY);
    expect(ran).toMatchObject({ exitCode: 0, stdout: `${path(folder)}\n` });
    expect(ran.stderr).toMatch(/^it was here already, the same\nreproduce it: /);
    expect(lstatSync(path(folder)).ino).toBe(before);
  });

  test.each([
    [
      "another of its size",
      (path: string) => {
        writeFileSync(path, Buffer.alloc(BYTES.length));
      },
    ],
    [
      "a shorter one",
      (path: string) => {
        writeFileSync(path, "x");
      },
    ],
    [
      "a folder",
      (path: string) => {
        mkdirSync(path);
      },
    ],
  ])("%s: exit code 2, and it stays", async (_, make) => {
    const folder = there(folderWithFailures(), make);
    const { ino, mtimeMs } = lstatSync(path(folder));
    const ran = await fetched(folder, KEY);
    expect(ran).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `kimtest: ${path(folder)} is there already, and is not what is stored\n  --force replaces it; --to FOLDER puts it elsewhere\n`,
    });
    expect(lstatSync(path(folder))).toMatchObject({ ino, mtimeMs });
    expect(readdirSync(join(folder.path, "here"))).toEqual(["seed-17-1700000000000.json"]);
  });

  test("--force replaces a file", async () => {
    const folder = there(folderWithFailures(), (path) => {
      writeFileSync(path, "x");
    });
    expect((await fetched(folder, KEY, "--force")).exitCode).toBe(0);
    expect(readFileSync(path(folder)).equals(BYTES)).toBe(true);
  });

  test("a link is not followed, not even one to the same bytes; --force replaces the link alone", async () => {
    const folder = folderWithFailures();
    const victim = folder.write("victim", BYTES);
    there(folder, (path) => {
      symlinkSync(victim, path);
    });
    expect(await fetched(folder, KEY)).toMatchObject({ exitCode: 2, stdout: "" });
    expect(readlinkSync(path(folder))).toBe(victim);
    writeFileSync(victim, "precious");
    expect((await fetched(folder, KEY, "--force")).exitCode).toBe(0);
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(lstatSync(path(folder)).isFile()).toBe(true);
  });
});

describe("which failure is meant", () => {
  const OTHER = "failures/vopr/seed-170-1700000005000.json";
  function store(): Folder {
    const folder = folderWithFailures();
    folder.put(OTHER, "other");
    const registry = {
      version: 1,
      updated_at: "2026-11-21T10:00:00.000Z",
      findings: {
        "agreement:gray": knownFinding("agreement:gray", { failure_key: KEY }),
        "formal-verification:tlc:Safe": knownFinding("formal-verification:tlc:Safe", {
          workload: "formal-verification",
          failure_key: "formal-verification/2026-11-21.json",
        }),
        "damaged:gray": knownFinding("damaged:gray", { failure_key: "../../etc/passwd" }),
      },
    };
    folder.put("signatures/known-failures.json", registry);
    // Seen by the running cycle, and in no registry yet.
    const sightings = { "fuzz:json:young": sighting("fuzz:json:young", { workload: "fuzz", failure_key: FUZZ_KEY }) };
    folder.put("cycles/current.json", cycleState({ sightings }));
    return folder;
  }

  test.each([
    [findingId("agreement:gray"), KEY],
    ["agreement:gray", KEY],
    ["agreem", KEY],
    [findingId("fuzz:json:young").slice(0, 6), FUZZ_KEY],
    ["seed-170-", OTHER],
    ["fuzz/json", FUZZ_KEY],
    ["1700000005", OTHER],
  ])("%s", async (typed, key) => {
    const ran = await fetched(store(), typed, "--json");
    expect(JSON.parse(ran.stdout)).toMatchObject({ fetched: [{ key }], failed: [] });
  });

  test("a part that fits several: exit code 2, and they are listed", async () => {
    const folder = store();
    expect(await fetched(folder, "seed-17")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "kimtest: 2 fit seed-17\n  say which:\n  vopr/seed-170-1700000005000.json\n  vopr/seed-17-1700000000000.json\n",
    });
    const mixed = await fetched(folder, "gray");
    expect(mixed.stderr).toMatch(
      /^kimtest: 2 fit gray\n {2}say which:\n {2}[0-9a-f]{12} {2}(agreement|damaged):gray\n/,
    );
    expect(existsSync(join(folder.path, "here"))).toBe(false);
  });

  test.each([
    [
      "formal-verification:tlc:Safe",
      /has no archived failure\n {2}its evidence is formal-verification\/2026-11-21.json in the store/,
    ],
    ["damaged:gray", /has no archived failure\n {2}its registry entry is damaged/],
    ["nothing-like-it", /^kimtest: nothing that is archived has nothing-like-it in its key, finding id or signature\n/],
  ])("%s: exit code 4", async (typed, said) => {
    const ran = await fetched(store(), typed);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(said);
  });

  test("several at once, each once; those that cannot be had are named, the others are here", async () => {
    const folder = store();
    const ran = await kimtest([
      ...["fetch-failure", KEY, "agreement:gray", FUZZ_KEY, "vopr/seed-1-1700000000000.json"],
      ...["--store", folder.store, "--to", join(folder.path, "here"), "--json"],
    ]);
    expect(ran.exitCode).toBe(4);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      fetched: [{ key: KEY }, { key: FUZZ_KEY }],
      failed: [{ key: "failures/vopr/seed-1-1700000000000.json", code: "NOT_FOUND" }],
    });
    expect(readdirSync(join(folder.path, "here")).sort()).toEqual([
      "json-1700000001000.tar.gz",
      "seed-17-1700000000000.json",
    ]);
    const two = await kimtest([
      ...["fetch-failure", "vopr/seed-2-1700000000000.json", "vopr/seed-1-1700000000000.json"],
      ...["--store", folder.store, "--to", join(folder.path, "here")],
    ]);
    expect(two).toMatchObject({ exitCode: 4, stdout: "" });
    expect(two.stderr).toMatch(/^kimtest: 2 of 2 failures could not be fetched\n {2}- failures\/vopr\/seed-2-/);
  });
});

test.each([
  "../../etc/passwd",
  "/etc/passwd",
  "vopr/../../../etc/passwd",
  "vopr/seed-17-1700000000000.json/../../x",
  "failures/failures/vopr/seed-17-1700000000000.json",
  "vopr/seed-17-1700000000000.json\n",
  "vopr/seed-17-1700000000000.json\0",
  "fuzz/../x-1700000001000.tar.gz",
  "fuzz/a/b-1700000001000.tar.gz",
  "fuzz/-rf-1700000001000.tar.gz",
  "vopr\\seed-17-1700000000000.json",
  "digests/latest.json",
  "",
  "x".repeat(100_000),
])("hostile name %#: an error, and nothing is written", async (key) => {
  const folder = folderWithFailures();
  const ran = await fetched(folder, key);
  expect(ran.stdout).toBe("");
  expect([2, 4]).toContain(ran.exitCode);
  expect(ran.stderr).toMatch(
    / is neither a failure nor a finding\n {2}keys look like |^kimtest: nothing that is archived has /,
  );
  expect(readdirSync(folder.path)).toEqual(["store"]);
});

test("escapes in what is typed are shown, not obeyed", async () => {
  const { stderr } = await fetched(folderWithFailures(), "\u001b[2Jx");
  expect(stderr).toMatch(/^kimtest: "\\u\{1b\}\[2Jx" is neither a failure nor a finding\n/);
});

describe("one of many", () => {
  const KEYS = Array.from({ length: 60 }, (_, seed) => `failures/vopr/seed-${String(seed)}-1700000000000.json`);
  function many() {
    const folder = new Folder();
    for (const key of KEYS) folder.put(key, BYTES);
    const here = join(folder.path, "here");
    const argv = ["fetch-failure", ...KEYS, "--store", folder.store, "--to", here, "--force"];
    return { argv, here, whatIsHere: () => readdirSync(here).sort() };
  }

  test("that the disk does not take: no other is begun, and nothing goes on when the command has ended", async () => {
    const { argv, here, whatIsHere } = many();
    mkdirSync(join(here, "seed-0-1700000000000.json"), { recursive: true });
    const ran = await kimtest(argv);
    const left = whatIsHere();
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain("EISDIR");
    expect(left.length).toBeLessThan(KEYS.length / 2);
    await delay(300);
    expect(whatIsHere()).toEqual(left);
  });

  test("Ctrl-C after it: no other is begun, and it is no success", async () => {
    const { argv, whatIsHere } = many();
    const stop = new AbortController();
    let out = "";
    const ran = await kimtest(argv, {
      stop: stop.signal,
      out: (text) => {
        out += text;
        stop.abort("SIGINT");
      },
    });
    expect(ran.exitCode).toBe(130);
    expect(ran.stderr).toMatch(
      /^kimtest: interrupted: \d of 60 were looked at\n {2}the same command goes on from there$/m,
    );
    expect(whatIsHere()).toEqual(
      out
        .trim()
        .split("\n")
        .map((path) => basename(path))
        .sort(),
    );
  });
});

test("a disk that takes only a part of the last piece: nothing under its name, and the same command goes on", async () => {
  const folder = folderWithFailures();
  const argv = ["fetch-failure", KEY, "--store", folder.store, "--to", join(folder.path, "here")];
  // In KiB: the last of the pieces, of 64 KiB each, is cut by the limit on the size of a file.
  const limited = ["-c", 'ulimit -f 280; exec "$@"', "bash", process.execPath, "--disable-warning=ExperimentalWarning"];
  const ran = await execa("bash", [...limited, MAIN, ...argv], { reject: false });
  expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: EFBIG/);
  expect(readdirSync(join(folder.path, "here"))).toEqual([".fetching"]);
  expect(await fetched(folder, KEY)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(folder.path, "here/seed-17-1700000000000.json")).equals(BYTES)).toBe(true);
});

test("not in the store: exit code 4", async () => {
  const folder = folderWithFailures();
  const ran = await fetched(folder, "vopr/seed-18-1700000000000.json");
  expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: failures\/vopr\/seed-18-.* is not in .*\n {2}`kimtest list-failures` shows/);
  expect(readdirSync(folder.path)).toEqual(["store"]);
});

test("a target that is a file: exit code 2, in words", async () => {
  const folder = folderWithFailures();
  writeFileSync(join(folder.path, "here"), "a file");
  const ran = await fetched(folder, KEY);
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: E(EXIST|NOTDIR): .*\n {2}check the path and its permissions\n$/);
});
