/** Whole cycles as real processes with a profile of proof tools; those print what the real ones printed. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import type { Profile } from "../contracts/profile.ts";
import type { ProofCheck } from "../contracts/profile/formal-verification.ts";
import { awayFromMidnight, DAY_HOOK_MS } from "./day.ts";
import { fakeProfile } from "./fake-profile.ts";
import { ivyCheck, program, standInTool } from "./stand-in-tools.ts";
import { until } from "./until.ts";
import { workbenches, type Workbench } from "./workbench.ts";

const workbench = workbenches();
beforeAll(awayFromMidnight, DAY_HOOK_MS);

/** `checks`: made when the folder for their programs is there. */
function proving(checks: (folder: string) => ProofCheck[]): Workbench {
  const bench = workbench();
  const folder = join(bench.folder, "programs");
  mkdirSync(folder);
  const planted = { ...ivyCheck("planted", { program: [standInTool(folder, "ivy-bad")] }), folder: "." };
  const profile: Profile = {
    ...fakeProfile({ seed_ms: 2 }),
    time_shares: { prepare: 1, "formal-verification": 60, benchmarks: 2, fuzz: 2, vopr: 4, digest: 1 },
    formal_verification: {
      tool: "proofs",
      downloads: {},
      images: {},
      checks: checks(folder),
      canary: { files: { "good.ivy": "#lang ivy1.7\n" }, check: planted },
    },
  };
  bench.writeProfile(profile);
  return bench;
}

test("what a proof tool refutes is in the digest, the registry and the store", async () => {
  const bench = proving((folder) => [
    ivyCheck("quorum", { program: [standInTool(folder, "ivy-good")] }),
    ivyCheck("byzantine", { program: [standInTool(folder, "ivy-bad")] }),
    ivyCheck("absent", { program: ["kimtest-no-ivy"] }),
  ]);
  const ran = await bench.cycle("14s");
  expect(ran.exitCode).toBe(1);
  const digest = bench.digest();
  expect(digest.formal_verification).toMatchObject({
    verdict: "failed",
    reason: "byzantine: ivy: single: its check failed",
    tools: {
      quorum: { verdict: "passed" },
      byzantine: { verdict: "failed", log_key: "cycles/000001/logs/formal-verification/byzantine.txt" },
      absent: {
        verdict: "inconclusive",
        reason: "ivy: cannot be started: kimtest-no-ivy does not exist or may not be executed, 0 checks passed",
        log_key: null,
      },
    },
  });
  expect(digest.trust.formal_verification).toMatchObject({ trusted: true, canary: { canary: "planted" } });
  const day = `formal-verification/${digest.started_at.slice(0, 10)}.json`;
  const signature = "formal-verification:byzantine:single";
  expect(digest.findings).toMatchObject([
    { signature, state: "new", message: "byzantine: bad.ivy:17: its check failed", failure_key: day },
  ]);
  expect(bench.registry().findings[signature]).toMatchObject({ workload: "formal-verification", count: 1 });
  expect(bench.text("cycles/000001/logs/formal-verification/byzantine.txt")).toContain("FAIL");
  expect(JSON.parse(bench.text(day))).toMatchObject({ verdict: "failed", earlier_failures: [] });
}, 120_000);

test("a runner that is stopped under a proof goes on with the same cycle, and nothing is lost", async () => {
  const bench = proving((folder) => [
    ivyCheck("byzantine", { program: [standInTool(folder, "ivy-bad")] }),
    // Hangs in the first attempt only.
    ivyCheck("slow", {
      program: [
        program(join(folder, "slow"), [
          `[ -e '${folder}/second' ] && exec '${standInTool(folder, "ivy-good")}'`,
          `echo $$ > '${folder}/second'`,
          "exec sleep 300",
        ]),
      ],
    }),
  ]);
  const started = join(bench.folder, "programs", "second");
  const running = bench.start(bench.cycleArguments("16s"));
  await until("the slow proof runs", () => existsSync(started) && readFileSync(started, "utf8").endsWith("\n"));
  const stoppedMs = performance.now();
  running.kill("SIGTERM");
  expect((await running).exitCode).toBe(130);
  expect(performance.now() - stoppedMs).toBeLessThan(10_000);
  expect(existsSync(`/proc/${readFileSync(started, "utf8").trim()}`)).toBe(false);
  expect(bench.cycleState()).toMatchObject({ cycle: 1, phase: "formal-verification", results: [{ phase: "prepare" }] });
  expect(Object.keys(bench.cycleState().sightings)).toEqual(["formal-verification:byzantine:single"]);

  expect((await bench.cycle("16s")).exitCode).toBe(1);
  const digest = bench.digest();
  expect(digest).toMatchObject({
    cycle: 1,
    interruptions: 1,
    formal_verification: { tools: { byzantine: { verdict: "failed" }, slow: { verdict: "passed" } } },
  });
  // Both attempts saw the one bug.
  expect(digest.findings).toMatchObject([{ signature: "formal-verification:byzantine:single", count_in_cycle: 1 }]);
}, 120_000);
