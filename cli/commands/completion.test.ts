/** What `kimtest __complete` answers, and that it answers in time; cli/completion/shells.test.ts presses Tab. */
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "@jest/globals";
import { execa } from "execa";
import { findingId, fuzzFailureKey, voprFailureKey } from "../../contracts/bucket.ts";
import { knownFinding } from "../../runner/phases/digest/samples.fixture.ts";
import { FAKE_AWS_ENV } from "../../test/aws/moto.ts";
import { archiveObjects } from "../failures/archive.fixture.ts";
import { kimtest } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const FROM_MS = 1_700_000_000_000;
const HOSTILE = "boom\u001b[2J\nforged\tline";

function store(): string {
  const folder = new Folder();
  const keys = [
    ...Array.from({ length: 150 }, (_, index) => voprFailureKey(BigInt(index), FROM_MS + index)),
    fuzzFailureKey("json", FROM_MS + 200),
  ];
  for (const [key, body] of archiveObjects(
    keys.map((key) => ({ key, signature: "a:gray" })),
    FROM_MS,
  ))
    folder.put(key, body);
  folder.put("failures/vopr/seed-1-\u202e.json", "hostile");
  folder.put("signatures/known-failures.json", {
    version: 1,
    updated_at: "2026-11-21T10:00:00.000Z",
    findings: { [HOSTILE]: knownFinding(HOSTILE) },
  });
  return folder.store;
}
async function answered(...words: string[]): Promise<string[]> {
  const ran = await kimtest(["__complete", "fish", ...words]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  return ran.stdout.split("\n").slice(0, -1);
}

test("failures: the newest hundred; with the beginning of a name those that fit", async () => {
  const place = ["--store", store()];
  const newest = await answered("fetch-failure", ...place, "");
  expect(newest).toHaveLength(101);
  expect(newest[0]).toBe("fuzz/json-1700000000200.tar.gz\t");
  expect(newest[1]).toBe("vopr/seed-149-1700000000149.json\t");
  expect(await answered("fetch-failure", ...place, "vopr/seed-14-")).toEqual(["vopr/seed-14-1700000000014.json\t"]);
  expect(await answered("fetch-failure", ...place, "failures/fuzz/")).toEqual([
    "failures/fuzz/json-1700000000200.tar.gz\t",
  ]);
});

test("findings, with signatures that obey nobody", async () => {
  const id = findingId(HOSTILE);
  expect(await answered("list-failures", "--store", store(), "--finding", id.slice(0, 2))).toEqual([
    `${id}\tboom\\u{1b}[2J forged line`,
  ]);
});

test.each([["/nowhere"], ["ftp://x"], ["s3://"]])(
  "a store that is none (%s): nothing, and no word",
  async (location) => {
    expect(await answered("fetch-failure", "--store", location, "")).toEqual([]);
  },
);

test.each(["bash", "zsh", "fish"])("the script of %s", async (shell) => {
  const ran = await kimtest(["completion", shell]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout).toMatch(new RegExp(`__complete ${shell} `));
});

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

test("AWS that never answers: nothing from there, within the deadline, and the process ends", async () => {
  const held = createServer((socket) => socket.on("error", () => undefined));
  server = held;
  held.listen(0, "127.0.0.1");
  await once(held, "listening");
  const endpoint = `http://127.0.0.1:${String((held.address() as AddressInfo).port)}`;
  const startedMs = performance.now();
  const ran = await execa(
    process.execPath,
    [MAIN, "__complete", "fish", "vopr-repro", "--store", "s3://some-bucket", ""],
    {
      env: { ...FAKE_AWS_ENV, AWS_ENDPOINT_URL: endpoint },
      reject: false,
      timeout: 60_000,
    },
  );
  // What the shell itself completes is not lost with it.
  expect(ran).toMatchObject({ exitCode: 0, stdout: ":files", stderr: "" });
  // 1.5 s, and the start of the process on a busy machine; the SDK alone would try on for a minute.
  expect(performance.now() - startedMs).toBeLessThan(30_000);
});
