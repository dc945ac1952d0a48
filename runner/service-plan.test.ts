import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ServiceSettings } from "../contracts/stack.ts";
import { WORK } from "../contracts/work-settings.fixture.ts";
import { embeddedProfile } from "./profiles/embedded.ts";
import { kimberliteProfile } from "./profiles/kimberlite/kimberlite.ts";
import { settled } from "./profiles/load.ts";
import { profileFor, skippedBy, unexpected, waitAfterNoticeMs, waitBeforeCycleMs } from "./service-plan.ts";

const HOUR_MS = 3_600_000;
const NOW = Date.parse("2026-11-21T12:00:00Z");
const SETTINGS: ServiceSettings = {
  ...WORK,
  version: 1,
  stack: "dev",
  region: "us-east-1",
  s3_bucket: "results",
  sns_topic: "arn:aws:sns:us-east-1:123456789012:alerts",
  log_group: "/kimtest/dev",
  bundle: { key: "runner/x.tar.gz", sha256: "a".repeat(64) },
  github_repo: "https://github.com/example/kimberlite",
  github_branch: "main",
};

test("the profile as the settings want it: first seed and flags of VOPR, nothing else", () => {
  const profile = embeddedProfile();
  const seed = 18_446_744_073_709_551_615n;
  const wanted = profileFor(profile, { ...SETTINGS, seed_offset: seed, vopr_flags: ["--no-storage-faults"] });
  expect(wanted).toEqual({
    ...profile,
    vopr: { ...profile.vopr, seed_offset: seed, arguments: [...profile.vopr.arguments, "--no-storage-faults"] },
  });
});

test("a profile with a repository tests that of the settings, and nothing of it goes unused", () => {
  const profile = settled(kimberliteProfile(), "/state");
  const settings = { ...SETTINGS, github_branch: "release/1.0" };
  const repository = { url: "https://github.com/example/kimberlite", reference: "release/1.0" };
  expect(profileFor(profile, settings)).toEqual({ ...profile, repository });
  expect(unexpected(profile, settings)).toEqual([]);
  expect(() => profileFor(profile, { ...SETTINGS, github_branch: "--upload-pack=x" })).toThrow(
    expect.objectContaining({
      code: "USAGE",
      message: "the repository in the settings: reference must be a branch, a tag or a commit hash",
    }),
  );
});

test("each switch skips its phase, with its own name as the reason", () => {
  expect(skippedBy(SETTINGS).size).toBe(0);
  const off = { enable_fuzzing: false, enable_formal_verification: false, enable_benchmarks: false };
  expect([...skippedBy({ ...SETTINGS, ...off })]).toEqual([
    ["formal-verification", "switched off in the settings (enable_formal_verification)"],
    ["benchmarks", "switched off in the settings (enable_benchmarks)"],
    ["fuzz", "switched off in the settings (enable_fuzzing)"],
  ]);
});

test("a setting without effect is said", () => {
  expect(unexpected(embeddedProfile(), { ...SETTINGS, seed_offset: 7n })).toEqual([
    "not used, for the profile embedded tests this very release of kimtest: https://github.com/example/kimberlite, main",
    "seed_offset 7 counts for scenarios without any progress; the others go on where they are",
  ]);
});

const last = (agoMs: number, settings = "same") => ({
  version: 1 as const,
  began_at: new Date(NOW - agoMs).toISOString(),
  settings_sha256: settings,
});
const wait = (agoMs: number, budgetMs: number, settings = "same") =>
  waitBeforeCycleMs(last(agoMs, settings), { ms: NOW, settingsSha256: "same", budgetMs });

test("the next cycle: at the earliest six hours after the last began, or its length when that is shorter", () => {
  expect(wait(60_000, 48 * HOUR_MS)).toBe(6 * HOUR_MS - 60_000);
  expect(wait(60_000, HOUR_MS)).toBe(HOUR_MS - 60_000);
  expect(wait(7 * HOUR_MS, 48 * HOUR_MS)).toBe(0);
  expect(wait(60_000, 48 * HOUR_MS, "other")).toBe(0);
  expect(waitBeforeCycleMs(undefined, { ms: NOW, settingsSha256: "same", budgetMs: HOUR_MS })).toBe(0);
  // A clock that was set back by a day.
  expect(wait(-24 * HOUR_MS, 48 * HOUR_MS)).toBe(6 * HOUR_MS);
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.integer({ min: 1, max: 168 * HOUR_MS }), (ago, budget) => {
      const waited = wait(ago, budget);
      expect(waited >= 0 && waited <= Math.min(budget, 6 * HOUR_MS)).toBe(true);
    }),
  );
});

test("after a spot notice: until the machine should be gone and a little more, never for long", () => {
  expect(waitAfterNoticeMs({ action: "stop", atMs: NOW + 120_000 }, NOW)).toBe(300_000);
  expect(waitAfterNoticeMs({ action: "stop", atMs: NOW - 240_000 }, NOW)).toBe(0);
  expect(waitAfterNoticeMs({ action: "stop", atMs: NOW + 100 * HOUR_MS }, NOW)).toBe(600_000);
});
