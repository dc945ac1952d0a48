/** The profile is data: what it must not lack, and what of it this project's own tools can check. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { stringifyJson } from "../../../contracts/json.ts";
import { profileSchema } from "../../../contracts/profile.ts";
import { cannotRunAfter } from "../../phases/prepare/prepared.ts";
import { gapsOf } from "../requirements.ts";
import { loadProfile } from "../load.ts";
import { FUZZ_TOOLCHAIN } from "./fuzz.ts";
import { kimberliteProfile } from "./kimberlite.ts";

const profile = kimberliteProfile();
const { vopr, fuzz, formal_verification: proofs, benchmarks, build } = profile;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-kimberlite-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("it is a profile, also as a file", async () => {
  expect(profileSchema.parse(profile)).toEqual(profile);
  const path = join(folder, "profile.json");
  writeFileSync(path, stringifyJson(profile));
  expect(await loadProfile(path)).toEqual(await loadProfile("kimberlite"));
});

test("the hours of a cycle: 1, 1, 1, 4, 40, 1", () => {
  expect(profile.duration_seconds).toBe(48 * 3_600);
  expect(Object.values(profile.time_shares)).toEqual([1, 1, 1, 4, 40, 1]);
});

test("a build says what it does while it compiles C++ for long", () => {
  for (const { command, environment } of build?.steps ?? []) {
    expect(command).toContain("-vv");
    expect(environment).toEqual({ CC_ENABLE_DEBUG_OUTPUT: "1" });
  }
  expect(build?.steps).toHaveLength(3);
});

test("VOPR: every scenario of the command line, the Byzantine ones to be detected, none both run and left out", () => {
  expect(vopr.scenarios).toHaveLength(34);
  const detected = vopr.scenarios.filter(({ expectation }) => expectation === "must-detect");
  expect(detected).toHaveLength(11);
  expect(detected.every(({ listed_as: name }) => name?.startsWith("Byzantine: "))).toBe(true);
  expect(detected).toEqual(vopr.scenarios.filter(({ name }) => name.startsWith("byzantine_")));
  const listed = vopr.scenarios.map(({ listed_as: name }) => name);
  expect(new Set(listed).size).toBe(34);
  expect(vopr.scenario_list?.left_out.filter((name) => listed.includes(name))).toEqual([]);
});

test("fuzzing: 21 targets, those with special limits or seeds among them; proofs: six tools", () => {
  if (fuzz.tool !== "cargo-fuzz" || proofs.tool !== "proofs" || benchmarks.tool !== "criterion")
    throw new Error("other tools");
  expect(fuzz.targets).toHaveLength(21);
  for (const name of [...Object.keys(fuzz.target_limits), ...Object.keys(fuzz.seed_folders)])
    expect(fuzz.targets).toContain(name);
  expect([...new Set(proofs.checks.map(({ tool }) => tool))].sort()).toEqual(
    ["alloy", "coq", "ivy", "kani", "tlaps", "tlc"].sort(),
  );
  expect(Object.keys(benchmarks.suites)).toEqual(["crypto", "kernel", "storage", "wire", "end_to_end"]);
  const benches = build?.steps.find(({ name }) => name === "benches")?.command ?? [];
  for (const suite of Object.keys(benchmarks.suites)) expect(benches[benches.indexOf(suite) - 1]).toBe("--bench");
});

test("a canary that does not build leaves VOPR running, and untrusted; a simulator that does not, does not", () => {
  const built = (name: string) => ({
    step: build!.steps.find((step) => step.name === name)!,
    result: { name, verdict: "inconclusive" as const, reason: "broken", duration_seconds: 1, log_key: null },
    isRed: true,
  });
  expect(cannotRunAfter({ builds: [built("vopr-canary")], nothing: null })).toEqual({});
  expect(cannotRunAfter({ builds: [built("vopr")], nothing: null })).toEqual({ vopr: "broken" });
});

test("what is inconclusive on Graviton: Coq and TLAPS, and with nothing installed everything", async () => {
  const machine = (hasIt: boolean) => ({
    has: () => Promise.resolve(hasIt),
    hasToolchain: () => Promise.resolve(hasIt),
  });
  expect((await gapsOf(profile, "arm64", machine(true))).map(({ part, reason }) => [part, reason])).toEqual(
    ["coq-crypto", "tlaps-vsr", "tlaps-view-change", "tlaps-recovery", "tlaps-compliance"].map((name) => [
      name,
      "needs x64, this machine is arm64",
    ]),
  );
  expect(await gapsOf(profile, "x64", machine(true))).toEqual([]);
  const bare = await gapsOf(profile, "x64", machine(false));
  expect(bare).toContainEqual({ phase: "prepare", part: "repository", reason: "git is not there" });
  expect(bare).toContainEqual({ phase: "fuzz", part: "cargo-fuzz", reason: "rustup is not there" });
  expect(bare).toContainEqual({
    phase: "fuzz",
    part: "cargo-fuzz",
    reason: `rustup has no toolchain ${FUZZ_TOOLCHAIN}`,
  });
  expect(bare).toContainEqual({ phase: "formal-verification", part: "planted-violation", reason: "java is not there" });
});

test("the planted fuzz crate says what it is, and each of its targets has its file", () => {
  if (fuzz.tool !== "cargo-fuzz") throw new Error("another tool");
  const { files, target } = fuzz.canary;
  const manifest = files["Cargo.toml"] ?? "";
  // Not asked from cargo, which need not be on a machine that tests this project.
  const bins = manifest.split("[[bin]]").slice(1);
  const valueOf = (text: string, key: string) => new RegExp(`^${key} = "([^"]+)"$`, "m").exec(text)?.[1];
  expect(bins.map((bin) => valueOf(bin, "name"))).toEqual([target]);
  expect(bins.map((bin) => (valueOf(bin, "path") ?? "no path") in files)).toEqual([true]);
  expect(manifest).toMatch(/^cargo-fuzz = true$/m);
  expect(manifest).toMatch(/^libfuzzer-sys = /m);
});
