/** infra-status and infra-digest on whole, empty, missing and damaged stores. */
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Chalk } from "chalk";
import { digestSchema } from "../../contracts/digest.ts";
import { infraStatusSchema } from "../../contracts/infra-status.ts";
import {
  cycleState,
  digestOf,
  knownFinding,
  richDigest,
  voprState,
  sighting,
} from "../../runner/phases/digest/samples.fixture.ts";
import { digestText } from "../../runner/phases/digest/text.ts";
import { decodeJson } from "../../runner/store/read-json.ts";
import { kimtest } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";

const HOSTILE = "boom\u001b[2J\u009b31m\u202e\nkimtest cycle 9: PASSED";
const ACTING = /[^\P{C}\n]/u;

function hostileStore(): Folder {
  const folder = new Folder();
  const state = cycleState({
    profile: HOSTILE,
    git_commit: "\u001b[31m",
    sightings: { "a:gray": sighting("a:gray", { message: HOSTILE, signature: HOSTILE, repro: HOSTILE }) },
    damage: [HOSTILE],
    warnings: [HOSTILE],
  });
  folder.put("cycles/current.json", state);
  folder.put("digests/latest.json", digestOf(state, [knownFinding("a:gray")]));
  return folder;
}

describe.each(["infra-status", "infra-digest", "list-failures"])("%s", (command) => {
  test("a store that is not there: exit code 4", async () => {
    const ran = await kimtest([command, "--store", "/nowhere/store"]);
    expect(ran).toEqual({
      exitCode: 4,
      stdout: "",
      stderr:
        "kimtest: there is no store at /nowhere/store\n" +
        "  run `npm run cycle` first, or name another with --store s3://bucket or --store PATH\n",
    });
  });

  test("a store that is a file: exit code 2", async () => {
    const file = new Folder().write("file", "x");
    const ran = await kimtest([command, "--store", file]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: store ".*" is a file, not a folder\n {2}give s3:/);
  });

  test.each([[], ["--json"]])("hostile data is shown, not obeyed %s", async (...more) => {
    const ran = await kimtest([command, "--store", hostileStore().store, ...more]);
    expect(ran.stdout + ran.stderr).not.toMatch(ACTING);
    expect(ran.stdout.split("\n").filter((line) => line.startsWith("kimtest cycle 9"))).toEqual([]);
  });
});

describe("infra-digest", () => {
  test("as people read it, and as it is stored", async () => {
    const folder = new Folder();
    folder.put("digests/latest.json", richDigest());
    const text = await kimtest(["infra-digest", "--store", folder.store]);
    const instant = (): string => "2026-11-21 10:00:00";
    expect(text).toEqual({ exitCode: 0, stdout: `${digestText(richDigest(), instant)}\n`, stderr: "" });
    const json = await kimtest(["infra-digest", "--store", folder.store, "--json"]);
    expect(json).toMatchObject({ exitCode: 0, stderr: "" });
    expect(decodeJson(json.stdout, "stdout", digestSchema)).toEqual(richDigest());
    // Seeds above 2^53 keep every digit.
    expect(json.stdout).toContain('"next_seed": 18446744073709551615');
  });

  test("none yet: exit code 4", async () => {
    const { store } = new Folder();
    const ran = await kimtest(["infra-digest", "--store", store]);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: there is no digest in .*\n {2}a digest is stored at the end of each cycle/);
  });

  test.each([
    ["no JSON", "{ nope", / is not valid JSON: /],
    ["another shape", "{}", / does not have the expected shape: version: /],
    ["empty", "", / is not valid JSON: /],
    ["hostile", '{"\u001b[31m', / is not valid JSON: /],
  ])("damaged (%s): exit code 6, and what is wrong", async (_, content, message) => {
    const folder = new Folder();
    folder.put("digests/latest.json", content);
    const ran = await kimtest(["infra-digest", "--store", folder.store]);
    expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toMatch(ACTING);
  });

  test("of 10 MB: a screenful, and the whole as JSON", async () => {
    const folder = new Folder();
    const signatures = Array.from({ length: 500 }, (_, index) => `s${String(index)}:gray`);
    const message = "x".repeat(20_000);
    const state = cycleState({
      sightings: Object.fromEntries(signatures.map((one) => [one, sighting(one, { message })])),
    });
    folder.put("digests/latest.json", digestOf(state));
    const text = await kimtest(["infra-digest", "--store", folder.store]);
    expect(text.exitCode).toBe(0);
    expect(text.stdout.length).toBeLessThan(20_000);
    expect(text.stdout).toContain("and 480 more: kimtest infra-digest --json");
    const json = await kimtest(["infra-digest", "--store", folder.store, "--json"]);
    expect(json.stdout.length).toBeGreaterThan(10_000_000);
    expect((JSON.parse(json.stdout) as { findings: unknown[] }).findings).toHaveLength(500);
  });
});

describe("infra-status", () => {
  test("a running cycle and the newest digest", async () => {
    const folder = new Folder();
    const running = cycleState({ phase: "vopr", interruptions: 1, progress_at: "2026-11-21T10:59:50.000Z" });
    folder.put("cycles/current.json", running);
    folder.put("digests/latest.json", richDigest());
    const ran = await kimtest(["infra-status", "--store", folder.store]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout.replace(folder.store, "STORE")).toMatchInlineSnapshot(`
     "store     STORE (--store)
     cycle     7, profile embedded, commit 0123456789ab
               in phase vopr, 60 min of 48 h left, resumed 1 time
               0 seeds, 0 failures, 0 findings in this cycle
               newest work 10 s ago
     digest    cycle 7 (final), 60 min ago: failed
               vopr: 5 of 1,234,567 seeds failed
               VOPR failed: 1,234,567 seeds, 8.6 sims/s, 3 failures
               untrusted: formal verification
     findings  new           vsr_agreement:combined  3 failures
               ongoing       hash_chain:swizzle  2 failures
     "
    `);
    const json = await kimtest(["infra-status", "--store", folder.store, "--json"]);
    expect(infraStatusSchema.parse(JSON.parse(json.stdout))).toMatchObject({
      store: { url: folder.store, by: "--store" },
      stack: null,
      cycle: { number: 7, phase: "vopr", resumed: 1, heartbeat_age_seconds: 10, left_seconds: 3600, stuck: false },
      digest: { verdict: "failed", cycle: 7, untrusted: ["formal_verification"] },
      findings: [{ signature: "vsr_agreement:combined" }, { signature: "hash_chain:swizzle" }],
      problems: [],
    });
  });

  test("speed and failures of a VOPR phase that runs", async () => {
    const folder = new Folder();
    const share = { from_seed: 0n, cpu_ms: 1, iterations_per_second: 5 };
    const scenarios = {
      gray: { ...share, iterations: 7_000, failures: 2 },
      combined: { ...share, iterations: 200, failures: 1 },
    };
    const spent_ms = { prepare: 1_000, vopr: 720_000 };
    folder.put("cycles/current.json", cycleState({ phase: "vopr", spent_ms, vopr: { ...voprState, scenarios } }));
    const ran = await kimtest(["infra-status", "--store", folder.store]);
    expect(ran.stdout).toContain("\n          7,200 seeds, 10.0 sims/s, 3 failures, 0 findings in this cycle\n");
  });

  test("--fields: only these, in their order; one that is none lists those there are", async () => {
    const folder = new Folder();
    folder.put("digests/latest.json", richDigest());
    folder.put("cycles/current.json", "{ damaged");
    const argv = (fields: string) => ["infra-status", "--store", folder.store, "--fields", fields];
    const ran = await kimtest(argv("version, findings,cycle"));
    expect(Object.keys(JSON.parse(ran.stdout) as object)).toEqual(["version", "findings", "cycle"]);
    // What is not asked for is not looked up: its damage is none of this answer.
    expect(ran.exitCode).toBe(6);
    expect((await kimtest(argv("digest,problems"))).exitCode).toBe(0);
    expect(await kimtest(argv("digest,Cycle,x"))).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        'kimtest: --fields names "Cycle", "x", which are no fields\n' +
        "  there are version, at, store, stack, instance, spot_request, spot_price, interruptions, cycle, alarms, " +
        "subscriptions, digest, findings, problems\n",
    });
    const digest = await kimtest(["infra-digest", "--store", folder.store, "--fields", "verdict,cycle"]);
    expect(JSON.parse(digest.stdout)).toEqual({ verdict: "failed", cycle: 7 });
    const wrong = await kimtest(["infra-digest", "--store", folder.store, "--fields", "verdikt"]);
    expect(wrong.stderr).toMatch(
      /^kimtest: --fields names "verdikt", which is no field\n {2}there are version, kind, /,
    );
  });

  test("times are the reader's, or UTC on request", async () => {
    const folder = new Folder();
    folder.put("digests/latest.json", richDigest());
    const argv = ["infra-digest", "--store", folder.store];
    const local = await kimtest(argv, { timeZone: "Asia/Kolkata" });
    expect(local.stdout).toContain(", 2026-11-21 15:30:00\n");
    const utc = await kimtest([...argv, "--utc"], { timeZone: "Asia/Kolkata" });
    expect(utc.stdout).toContain(", 2026-11-21 10:00:00Z\n");
  });

  test("no work for a quarter of an hour: stuck, in red on a terminal", async () => {
    const folder = new Folder();
    folder.put("cycles/current.json", cycleState({ progress_at: "2026-11-21T10:44:00.000Z" }));
    const colours = () => Promise.resolve(new Chalk({ level: 1 }));
    const ran = await kimtest(["infra-status", "--store", folder.store], { colours });
    expect(ran.stdout).toContain("\u001b[31mnewest work 16 min ago: stuck, or its runner is down\u001b[39m");
    expect(ran.stdout).toContain("digest    \u001b[22mnone yet\n");
  });

  test("a cycle that is done is not stuck", async () => {
    const folder = new Folder();
    folder.put("cycles/current.json", cycleState({ status: "done", progress_at: "2026-11-20T00:00:00.000Z" }));
    const ran = await kimtest(["infra-status", "--store", folder.store]);
    expect(ran.stdout).toContain("          done, 60 min ago\n");
    expect(ran.stdout).not.toContain("stuck");
  });

  test("nothing ever ran: exit code 4", async () => {
    const ran = await kimtest(["infra-status", "--store", new Folder().store]);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: no cycle has ever run on .*\n {2}start one with `npm run cycle`\n$/);
  });

  test.each([
    ["digests/latest.json", "cycle     7, profile embedded", /^digest {4}cannot be shown: .* is not valid JSON: /m],
    ["cycles/current.json", "digest    cycle 7 (final)", /^cycle {5}cannot be shown: .* is not valid JSON: /m],
  ])("a damaged %s: said, the rest is shown, exit code 6", async (key, rest, said) => {
    const folder = new Folder();
    folder.put("cycles/current.json", cycleState());
    folder.put("digests/latest.json", richDigest());
    folder.put(key, "{ damaged");
    const ran = await kimtest(["infra-status", "--store", folder.store], { columns: 200 });
    expect(ran).toMatchObject({ exitCode: 6, stderr: "" });
    expect(ran.stdout).toContain(rest);
    expect(ran.stdout).toMatch(said);
    const json = await kimtest(["infra-status", "--store", folder.store, "--json"]);
    expect(json.exitCode).toBe(6);
    const part = key.startsWith("digests") ? "digest" : "cycle";
    expect(infraStatusSchema.parse(JSON.parse(json.stdout))).toMatchObject({
      [part]: null,
      problems: [
        {
          part,
          message: expect.stringContaining("is not valid JSON"),
          hint: expect.stringContaining("writes it anew"),
          exit_code: 6,
        },
      ],
    });
  });

  test("more findings than fit are counted", async () => {
    const folder = new Folder();
    const signatures = Array.from({ length: 12 }, (_, index) => `s${String(index)}:gray`);
    const state = cycleState({ sightings: Object.fromEntries(signatures.map((one) => [one, sighting(one)])) });
    folder.put("digests/latest.json", digestOf(state));
    const ran = await kimtest(["infra-status", "--store", folder.store]);
    expect(ran.stdout).toMatch(
      /^ {10}unclassified {2}s9:gray {2}3 failures\n {10}and 2 more: kimtest infra-digest\n$/m,
    );
    expect(ran.stdout).toContain("cycle     none on record\n");
  });
});

test("a store inside a missing folder is named as it is", async () => {
  const ran = await kimtest(["infra-digest", "--store", join(new Folder().path, "a", "b")]);
  expect(ran.exitCode).toBe(4);
});
