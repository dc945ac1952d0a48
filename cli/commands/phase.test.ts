import { expect, test } from "@jest/globals";
import { richDigest } from "../../runner/phases/digest/samples.fixture.ts";
import { fakeProfile } from "../../test/fake-profile.ts";
import { workbenches } from "../../test/workbench.ts";
import { resultOf } from "./phase.ts";

const workbench = workbenches();

test("one workload alone: its own verdict is the exit code, a cycle's results stay as they are", async () => {
  const bench = workbench(fakeProfile());
  const words = ["--profile", bench.profilePath, "--duration", "4s", "--workers", "2"];
  const fuzz = await bench.kimtest("phase", "fuzz", ...words, "--json");
  expect(fuzz.stderr).toContain("fuzz: passed\n");
  expect(fuzz.exitCode).toBe(0);
  const digest = JSON.parse(fuzz.stdout) as Record<string, { verdict: string; reason: string }>;
  expect(digest["fuzzing"]).toMatchObject({ verdict: "passed" });
  expect(digest["vopr"]).toMatchObject({ verdict: "inconclusive", reason: "left out by --only fuzz" });
  // Found where it says, and not where a cycle leaves its own.
  const elsewhere = await bench.kimtest("infra-digest", "--store", ".kimtest/phase/store");
  expect(elsewhere).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await bench.kimtest("infra-digest", "--store", ".kimtest/store")).toMatchObject({ exitCode: 4 });
}, 60_000);

test("a workload that finds something ends with 1", async () => {
  const bench = workbench(fakeProfile({ seed_ms: 10, fail_every: 5 }));
  const ran = await bench.kimtest("phase", "vopr", "--profile", bench.profilePath, "--duration", "6s");
  expect(ran.stderr).toMatch(/\nvopr: failed: \d+ of \d+ seeds failed/);
  expect(ran.exitCode).toBe(1);
}, 60_000);

test("green without its planted bug is not green", () => {
  const digest = richDigest();
  const passed = { ...digest.fuzzing, verdict: "passed" as const, reason: null };
  const trusted = { trusted: true, reason: null, canary: null };
  const untrusted = { trusted: false, reason: "its canary was not run", canary: null };
  const of = (trust: typeof trusted | typeof untrusted) =>
    resultOf({ ...digest, fuzzing: passed, trust: { ...digest.trust, fuzzing: trust } }, "fuzz");
  expect(of(trusted)).toEqual({ code: 0, words: "passed" });
  expect(of(untrusted)).toEqual({ code: 6, words: "passed, but untrusted: its canary was not run" });
});
