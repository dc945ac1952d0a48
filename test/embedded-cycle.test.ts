/** The embedded profile as users get it, only shorter: its own simulator, exploration, fuzz and benchmark programs. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { execa } from "execa";
import { parseFailureKey } from "../contracts/bucket.ts";
import { voprFailureSchema } from "../contracts/failure.ts";
import { voprBundlesFolder } from "../runner/platform/folders.ts";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fuzzCycle } from "./fuzz-cycle.ts";
import { workbenches } from "./workbench.ts";

const workbench = workbenches();

test("a cycle is green, every workload has found its planted bug, and the store can be read", async () => {
  const embedded = embeddedProfile();
  // On a busy machine the exploration takes many times the five seconds of a quiet one, and a first batch, too.
  const bench = workbench({
    ...embedded,
    time_shares: { ...embedded.time_shares, "formal-verification": 60 },
    vopr: { ...embedded.vopr, batch: { ...embedded.vopr.batch, first_iterations: 50 } },
  });
  const store = ["--store", bench.store];
  const ran = await bench.cycle("45s");
  const digest = bench.digest();
  const { benchmarks, ...others } = digest.trust;
  expect(Object.values(others).map(({ trusted }) => trusted)).toEqual([true, true, true]);
  // In the noise of other suites the planted slowdown may be lost: then that is all that is wrong.
  const lost = "its canary planted-slowdown was not found: the slowed run took ";
  expect(benchmarks.reason ?? lost).toContain(lost);
  const [word, exitCode] = benchmarks.trusted ? (["PASSED", 0] as const) : (["INCONCLUSIVE", 6] as const);
  expect(ran.stdout).toContain(`kimtest cycle 1: ${word}`);
  expect(ran.exitCode).toBe(exitCode);
  const workloads = [digest.vopr, digest.fuzzing, digest.formal_verification, digest.benchmarks];
  expect(workloads.map(({ verdict }) => verdict)).toEqual(Array(4).fill("passed"));
  expect(digest.findings).toEqual([]);
  expect(digest.trust.vopr.canary).toMatchObject({ canary: "skip-fsync", runs: 60 });
  expect(digest.vopr.iterations).toBeGreaterThan(200);
  const scenarios = embeddedProfile().vopr.scenarios.map(({ name }) => name);
  expect(Object.keys(digest.vopr.scenarios).sort()).toEqual(scenarios.sort());
  expect(digest.formal_verification.tools["explore"]).toMatchObject({ verdict: "passed", counterexample: null });
  expect(digest.formal_verification.tools["explore"]?.states).toBeGreaterThan(100_000);
  expect(Object.keys(digest.fuzzing.targets)).toEqual(expect.arrayContaining(embeddedProfile().fuzz.targets));
  expect(digest.benchmarks.suites.length).toBeGreaterThan(3);

  const status = await bench.kimtest("infra-status", ...store);
  expect(status).toMatchObject({ exitCode: 0 });
  expect(status.stdout).toContain("cycle     1, profile embedded");
  const shown = await bench.kimtest("infra-digest", ...store, "--json");
  expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(bench.text("digests/latest.json")));
}, 300_000);

test("a bug in what is tested: found, archived, listed, fetched with its bundle and reproduced, and the repro line works as pasted", async () => {
  const embedded = embeddedProfile();
  const planted = {
    ...embedded.vopr,
    arguments: ["--canary", "skip-fsync"],
    canary: { ...embedded.vopr.canary, arguments: [] },
  };
  const bench = workbench({
    ...embedded,
    vopr: { ...planted, scenarios: [{ name: "combined", weight: 1, expectation: "must-pass" }] },
  });
  expect((await bench.cycle("20s", "--only", "vopr")).exitCode).toBe(1);
  const digest = bench.digest();
  expect(digest.vopr.verdict).toBe("failed");
  const store = ["--store", bench.store];

  const listed = await bench.kimtest("list-failures", ...store, "--json", "--limit", "3");
  const { more, failures } = JSON.parse(listed.stdout) as { more: boolean; failures: { key: string }[] };
  expect(digest.vopr.failures_total).toBeGreaterThan(3);
  expect([failures.length, more]).toEqual([3, true]);
  const keys = bench.keys("failures/vopr/");
  expect(keys.filter((key) => parseFailureKey(key) !== undefined)).toHaveLength(digest.vopr.failures_total);

  // Of each batch some have a bundle, the others say why not.
  const records = keys
    .filter((key) => parseFailureKey(key) !== undefined)
    .map((key) => ({ key, ...decodeJson(bench.text(key), key, voprFailureSchema) }));
  expect(records.flatMap(({ bundle_key: key }) => key ?? []).sort()).toEqual(
    keys.filter((key) => key.endsWith(".kmb")),
  );
  const { key, seed, invariant, git_commit: commit } = records.find((record) => record.bundle_key !== null)!;
  expect(existsSync(voprBundlesFolder(bench.state)) && readdirSync(voprBundlesFolder(bench.state))).toEqual([]);

  const fetched = await bench.kimtest("fetch-failure", key, ...store, "--to", join(bench.folder, "fetched"));
  expect(fetched.exitCode).toBe(0);
  const record = fetched.stdout.trim();
  const again = await bench.kimtest("vopr-repro", record);
  expect(again.stdout).toMatch(/^reproduced: seed \d+ of combined shows it again, by the decisions in its bundle$/m);
  expect(again.exitCode).toBe(1);
  const bundle = record.replace(/\.json$/, ".kmb");
  expect((await bench.kimtest("vopr", "repro", bundle)).exitCode).toBe(1);
  const shown = await bench.kimtest("vopr", "show", bundle);
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout).toContain(
    `seed ${seed.toString()}, scenario combined, flags --scenario combined --canary skip-fsync\n`,
  );
  expect(shown.stdout).toContain(`commit ${commit}\n${invariant}: `);
  // Without the bundle the seed itself does.
  rmSync(bundle);
  const bySeed = await bench.kimtest("vopr-repro", record);
  expect(bySeed).toMatchObject({ exitCode: 1, stderr: "" });
  expect(bySeed.stdout).toMatch(/^reproduced: seed \d+ of combined shows it again$/m);

  const repro = digest.findings[0]?.repro ?? "";
  expect(repro).toMatch(/^npx kimtest vopr --scenario combined --seed \d+ -n 1 --canary skip-fsync -v$/);
  const pasted = await bench.kimtest(...repro.split(" ").slice(2));
  expect(pasted.exitCode).toBe(1);
  expect(pasted.stdout).toContain(digest.findings[0]?.signature.split(":")[0]);
}, 180_000);

test("a counterexample of the fuzz program: its repro line works as pasted at the root of the checkout", async () => {
  const embedded = embeddedProfile();
  // The broken target is not the canary here.
  const fuzz = { ...embedded.fuzz, targets: ["canary"], canary_target: "json" };
  const bench = workbench();
  const { result } = await fuzzCycle(bench, { ...embedded, fuzz });
  expect(result?.verdict).toBe("failed");
  const repro = Object.values(bench.cycleState().sightings)[0]?.repro ?? "";
  expect(repro).toMatch(/^npx node embedded\/fuzz\.ts --target canary --seed \d+ --path \S+$/);
  const again = await execa("sh", ["-c", repro], { cwd: embedded.work_tree, reject: false });
  expect(again.exitCode).toBe(1);
  expect(again.stdout).toMatch(/^canary: /);
}, 60_000);
