import { describe, expect, test } from "@jest/globals";
import { findingId } from "../../contracts/bucket.ts";
import { parseJson } from "../../contracts/json.ts";
import { failureListSchema, findingListSchema } from "../../contracts/reports.ts";
import { cycleState, knownFinding, sighting } from "../../runner/phases/digest/samples.fixture.ts";
import { archiveObjects, type Archived } from "../failures/archive.fixture.ts";
import { kimtest } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";

function storeWith(failures: readonly Archived[], beginsMs?: number): Folder {
  const folder = new Folder();
  for (const [key, body] of archiveObjects(failures, beginsMs)) folder.put(key, body);
  return folder;
}
const AGREEMENT = "agreement:gray";
const FUZZ = "fuzz:json:Property failed";
const MIXED: readonly Archived[] = [
  { key: "failures/vopr/seed-17-1700000000000.json", signature: AGREEMENT },
  { key: "failures/vopr/seed-18446744073709551615-1700000003000.json", signature: AGREEMENT },
  // Written by the first infrastructure: seconds.
  { key: "failures/vopr/seed-3-1700000002.json", signature: "liveness:combined" },
  { key: "failures/fuzz/json-1700000001000.tar.gz", signature: FUZZ },
];
const FROM_MS = 1_700_000_000_000;
const [agreement, fuzz] = [findingId(AGREEMENT), findingId(FUZZ)];

const ROWS = [
  `2023-11-14 22:13:23  vopr/seed-18446744073709551615-1700000003000.json  ${agreement}  agreement:gray`,
  `2023-11-14 22:13:22  vopr/seed-3-1700000002.json           ${findingId("liveness:combined")}  liveness:combined`,
  `2023-11-14 22:13:21  fuzz/json-1700000001000.tar.gz        ${fuzz}  fuzz:json:Property failed`,
  `2023-11-14 22:13:20  vopr/seed-17-1700000000000.json       ${agreement}  agreement:gray`,
];
const lines = (...rows: string[]): string => rows.map((row) => `${row}\n`).join("");

test("newest first, with the finding of each; everything else is left out", async () => {
  const folder = storeWith(MIXED, FROM_MS);
  for (const key of ["failures/vopr/notes.txt", "failures/vopr/seed-x-1700000000000.json", "digests/latest.json"]) {
    folder.put(key, key);
  }
  const ran = await kimtest(["list-failures", "--store", folder.store]);
  expect(ran).toEqual({ exitCode: 0, stderr: "", stdout: lines(...ROWS) });
});

test("what is older than the index has no finding on record", async () => {
  const ran = await kimtest(["list-failures", "--store", storeWith(MIXED, FROM_MS + 2_000).store]);
  expect(ran.stdout).toBe(
    lines(
      ...ROWS.slice(0, 2),
      "2023-11-14 22:13:21  fuzz/json-1700000001000.tar.gz        -",
      "2023-11-14 22:13:20  vopr/seed-17-1700000000000.json       -",
    ),
  );
  const without = await kimtest(["list-failures", "--store", storeWith(MIXED, FROM_MS).store, "--no-index"]);
  expect(without.stdout).toMatch(/^(?:.* {2,}-\n){4}$/);
});

describe("which", () => {
  const table: [options: string, rows: number[], stderr: string][] = [
    ["--kind fuzz", [2], ""],
    ["--kind vopr --limit 2", [0, 1], "there are more; --limit 4 shows twice as many\n"],
    ["--limit 1", [0], "there are more; --limit 2 shows twice as many\n"],
    ["--limit 4", [0, 1, 2, 3], ""],
    ["--since 2023-11-14T22:13:22Z", [0, 1], ""],
    [`--finding ${agreement}`, [0, 3], ""],
    [`--finding ${AGREEMENT}`, [0, 3], ""],
    [`--finding gree`, [0, 3], ""],
    [`--finding ${agreement} --limit 1`, [0], "there are more; --limit 2 shows twice as many\n"],
  ];
  test.each(table)("%s", async (options, rows, stderr) => {
    const folder = storeWith(MIXED, FROM_MS);
    folder.put("cycles/current.json", cycleState({ sightings: { [AGREEMENT]: sighting(AGREEMENT) } }));
    const ran = await kimtest(["list-failures", "--store", folder.store, ...options.split(" ")]);
    expect(ran).toEqual({ exitCode: 0, stdout: lines(...rows.map((row) => ROWS[row]!)), stderr });
  });

  test("of a finding that the index is too young for: said, and not hidden", async () => {
    const { store } = storeWith(MIXED, FROM_MS + 2_500);
    const ran = await kimtest(["list-failures", "--store", store, "--finding", agreement]);
    expect(ran).toEqual({
      exitCode: 0,
      stdout: lines(ROWS[0]!),
      stderr: "3 others may be of it: they are older than the index, and only the failure itself tells\n",
    });
  });

  test("--finding that nobody knows: exit code 4; that fits several: exit code 2 and which", async () => {
    const { store } = storeWith(MIXED, FROM_MS);
    const none = await kimtest(["list-failures", "--store", store, "--finding", "nope"]);
    expect(none).toEqual({
      exitCode: 4,
      stdout: "",
      stderr:
        "kimtest: no finding has the id or signature nope, or a part like it\n  `kimtest list-failures --by-finding` shows all\n",
    });
    const folder = new Folder();
    folder.put("signatures/known-failures.json", registryOf("a:gray", "b:gray"));
    const two = await kimtest(["list-failures", "--store", folder.store, "--finding", "gray"]);
    expect(two).toMatchObject({ exitCode: 2, stdout: "" });
    expect(two.stderr).toMatch(/^kimtest: 2 findings fit gray\n {2}say which:\n {2}[0-9a-f]{12} {2}[ab]:gray\n/);
  });
});

test("--json", async () => {
  const ran = await kimtest([
    "list-failures",
    "--store",
    storeWith(MIXED, FROM_MS + 2_500).store,
    "--json",
    "--limit",
    "2",
  ]);
  expect(ran).toMatchObject({ exitCode: 0 });
  const printed = parseJson(ran.stdout, "stdout");
  expect(failureListSchema.safeParse(printed).error).toBeUndefined();
  expect(printed).toEqual({
    failures: [
      {
        key: "failures/vopr/seed-18446744073709551615-1700000003000.json",
        kind: "vopr",
        at: "2023-11-14T22:13:23.000Z",
        seed: 18446744073709551615n,
        finding: agreement,
        signature: AGREEMENT,
      },
      {
        key: "failures/vopr/seed-3-1700000002.json",
        kind: "vopr",
        at: "2023-11-14T22:13:22.000Z",
        seed: 3,
        finding: null,
        signature: null,
      },
    ],
    more: true,
  });
});

test("--fields and --utc", async () => {
  const { store } = storeWith(MIXED, FROM_MS);
  const fields = await kimtest(["list-failures", "--store", store, "--fields", "key,finding", "--limit", "1"]);
  expect(parseJson(fields.stdout, "stdout")).toEqual({
    failures: [{ key: MIXED[1]!.key, finding: agreement }],
    more: true,
  });
  const wrong = await kimtest(["list-failures", "--store", store, "--fields", "size"]);
  expect(wrong).toMatchObject({ exitCode: 2, stdout: "" });
  expect(wrong.stderr).toMatch(/^kimtest: --fields names "size", which is no field\n {2}there are key, kind, at, /);
  const berlin = { timeZone: "Europe/Berlin" };
  expect((await kimtest(["list-failures", "--store", store], berlin)).stdout).toMatch(/^2023-11-14 23:13:23 /);
  expect((await kimtest(["list-failures", "--store", store, "--utc"], berlin)).stdout).toMatch(
    /^2023-11-14 22:13:23Z /,
  );
});

test("on a terminal a row is a line", async () => {
  const folder = storeWith([{ key: MIXED[0]!.key, signature: "x".repeat(300) }], FROM_MS);
  const board = process.stdout;
  const ran = await kimtest(["list-failures", "--store", folder.store], { board, columns: 90 });
  expect(ran.stdout).toMatch(/^.{89}…\n$/);
});

test("none: no row, a message, exit code 0", async () => {
  const { store } = new Folder();
  expect(await kimtest(["list-failures", "--store", store])).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: `no failures are archived in ${store}\n`,
  });
  const json = await kimtest(["list-failures", "--store", store, "--json", "--kind", "fuzz", "--since", "1h"]);
  expect(json).toEqual({
    exitCode: 0,
    stdout: '{ "failures": [], "more": false }\n',
    stderr: `no failures of kind fuzz since 1h are archived in ${store}\n`,
  });
  const findings = await kimtest(["list-failures", "--store", store, "--json", "--by-finding"]);
  expect(findings).toEqual({
    exitCode: 0,
    stdout: '{ "findings": [], "more": false }\n',
    stderr: `no findings are on record in ${store}\n`,
  });
});

describe("an index entry that lies or is damaged: the failure is listed, its signature is not believed", () => {
  const [, [entryKey]] = archiveObjects(MIXED.slice(0, 1), FROM_MS) as [unknown, [string, string]];
  const table: [string, string, RegExp][] = [
    [
      "another signature",
      '{"version":1,"key":"x","signature":"forged\\u001b[2J"}',
      /holds another signature than its name says\n$/,
    ],
    ["no JSON", "{", /is not valid JSON/],
    ["a signature alone", '{"signature":"agreement:gray"}', /does not have the expected shape/],
  ];
  test.each(table)("%s", async (_, body, said) => {
    const folder = storeWith(MIXED.slice(0, 1), FROM_MS);
    folder.put(entryKey, body);
    const ran = await kimtest(["list-failures", "--store", folder.store]);
    expect(ran).toMatchObject({
      exitCode: 6,
      stdout: `2023-11-14 22:13:20  vopr/seed-17-1700000000000.json       ${agreement}\n`,
    });
    expect(ran.stderr).toMatch(/^some signatures are missing: /);
    expect(ran.stderr).toMatch(said);
  });
});

const registryOf = (...signatures: string[]) => ({
  version: 1,
  updated_at: "2026-11-21T10:00:00.000Z",
  findings: Object.fromEntries(signatures.map((one) => [one, knownFinding(one)])),
});

describe("--by-finding", () => {
  const HOSTILE = "boom\u001b[2J\n2026-11-21 forged";
  function folderOfFindings(): Folder {
    const folder = new Folder();
    folder.put("signatures/known-failures.json", registryOf("a:gray", "b:gray", HOSTILE));
    folder.put(
      "cycles/current.json",
      cycleState({
        cycle: 8,
        sightings: {
          "b:gray": sighting("b:gray", { last_at: "2026-11-21T10:30:00.000Z" }),
          "c:gray": sighting("c:gray"),
        },
      }),
    );
    return folder;
  }
  const list = (folder: Folder, ...more: string[]) =>
    kimtest(["list-failures", "--by-finding", "--store", folder.store, ...more]);

  test("the registry's, with what the running cycle has seen; hostile text is shown, not obeyed", async () => {
    const ran = await list(folderOfFindings());
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toMatchInlineSnapshot(`
     "83a39102187c  2026-11-21 10:30:00  ongoing             6  b:gray
     4d0cab649b47  2026-11-21 10:00:00  new                 3  c:gray
     5f4bedffc083  2026-11-21 10:00:00  new                 3  a:gray
     e492a41a660b  2026-11-21 10:00:00  new                 3  boom\\u{1b}[2J 2026-11-21 forged
     "
    `);
  });

  test("--json has the whole of each, and --limit, --since, --finding and --kind hold", async () => {
    const folder = folderOfFindings();
    const printed = parseJson((await list(folder, "--json", "--limit", "2")).stdout, "stdout");
    expect(findingListSchema.safeParse(printed).error).toBeUndefined();
    expect(printed).toMatchObject({
      findings: [
        { state: "ongoing", signature: "b:gray" },
        { state: "new", signature: "c:gray" },
      ],
      more: true,
    });
    expect((await list(folder, "--finding", "c:g")).stdout).toMatch(/^[0-9a-f]{12} .* c:gray\n$/);
    expect((await list(folder, "--kind", "fuzz")).stderr).toBe(
      `no findings of kind fuzz are on record in ${folder.store}\n`,
    );
    expect((await list(folder, "--limit", "3")).stderr).toBe("1 more; --limit 4 shows them\n");
  });

  test("a damaged registry: exit code 6, no rows", async () => {
    const folder = folderOfFindings();
    folder.put("signatures/known-failures.json", "{");
    expect(await list(folder)).toMatchObject({ exitCode: 6, stdout: "" });
  });
});
