import { expect, test } from "@jest/globals";
import { kimtest } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";

function storeWith(...keys: string[]): Folder {
  const folder = new Folder();
  for (const key of keys) folder.put(key, key);
  return folder;
}
const MIXED = [
  "failures/vopr/seed-17-1700000000000.json",
  "failures/vopr/seed-18446744073709551615-1700000003000.json",
  // Written by the first infrastructure: seconds.
  "failures/vopr/seed-3-1700000002.json",
  "failures/fuzz/json-1700000001000.tar.gz",
];
const NO_FAILURES = ["failures/vopr/notes.txt", "failures/vopr/seed-x-1700000000000.json", "digests/latest.json"];

test("newest first, with what is needed to fetch one; everything else is left out", async () => {
  const ran = await kimtest(["list-failures", "--store", storeWith(...MIXED, ...NO_FAILURES).store]);
  expect(ran).toEqual({
    exitCode: 0,
    stderr: "",
    stdout:
      "2023-11-14 22:13:23  vopr       58 B  vopr/seed-18446744073709551615-1700000003000.json\n" +
      "2023-11-14 22:13:22  vopr       36 B  vopr/seed-3-1700000002.json\n" +
      "2023-11-14 22:13:21  fuzz       39 B  fuzz/json-1700000001000.tar.gz\n" +
      "2023-11-14 22:13:20  vopr       40 B  vopr/seed-17-1700000000000.json\n",
  });
});

test("--kind and --limit; how many more there are is a message", async () => {
  const { store } = storeWith(...MIXED);
  const fuzz = await kimtest(["list-failures", "--store", store, "--kind", "fuzz"]);
  expect(fuzz.stdout).toBe("2023-11-14 22:13:21  fuzz       39 B  fuzz/json-1700000001000.tar.gz\n");
  const one = await kimtest(["list-failures", "--store", store, "--limit", "1"]);
  expect(one.stdout.split("\n")).toHaveLength(2);
  expect(one.stderr).toBe("3 more; --limit 4 shows them\n");
});

test("--json", async () => {
  const ran = await kimtest(["list-failures", "--store", storeWith(...MIXED).store, "--json", "--limit", "2"]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(ran.stdout.replace("18446744073709551615,", '"18446744073709551615",'))).toEqual({
    total: 4,
    failures: [
      {
        kind: "vopr",
        key: "failures/vopr/seed-18446744073709551615-1700000003000.json",
        seed: "18446744073709551615",
        at: "2023-11-14T22:13:23.000Z",
        size: 58,
      },
      {
        kind: "vopr",
        key: "failures/vopr/seed-3-1700000002.json",
        seed: 3,
        at: "2023-11-14T22:13:22.000Z",
        size: 36,
      },
    ],
  });
});

test("none: no row, a message, exit code 0", async () => {
  const { store } = new Folder();
  expect(await kimtest(["list-failures", "--store", store])).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: `no failures are archived in ${store}\n`,
  });
  const json = await kimtest(["list-failures", "--store", store, "--json"]);
  expect(json).toEqual({ exitCode: 0, stdout: '{\n  "total": 0,\n  "failures": []\n}\n', stderr: "" });
});

// Slow: a folder store reads every file that it lists. Hence its own deadline.
test("5,000 failures: in order, and the limit is the newest of them", async () => {
  const folder = new Folder();
  // Keys sort by seed, not by time: 7919 is prime, so the times are a permutation of 0..4999.
  for (let seed = 0; seed < 5_000; seed += 1) {
    folder.put(`failures/vopr/seed-${String(seed)}-${String(1_700_000_000_000 + ((seed * 7_919) % 5_000))}.json`, "x");
  }
  const ran = await kimtest(["list-failures", "--store", folder.store, "--limit", "4000"]);
  const times = ran.stdout
    .trimEnd()
    .split("\n")
    .map((line) => Number(/-(\d{13})\.json$/.exec(line)?.[1]));
  expect(times).toEqual(Array.from({ length: 4_000 }, (_, index) => 1_700_000_004_999 - index));
  expect(ran.stderr).toBe("1000 more; --limit 5000 shows them\n");
}, 120_000);
