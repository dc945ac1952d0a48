/** The mutation matrix as users run it: real processes, the stand-in and the embedded simulator. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { canaryMatrixSchema, type CanaryMatrix, type PlantedCanary } from "../contracts/canary.ts";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";
import { until } from "./until.ts";
import { workbenches, type Ran } from "./workbench.ts";

const workbench = workbenches();

/** Of the stand-in: every third seed fails by replica_consistency, from seed 0 on. */
function planted(name: string, finds = "replica_consistency"): PlantedCanary {
  return { name, finds, scenario: "combined", description: `plants ${name}` };
}

function hunt(vopr: FakeVopr, ...argv: string[]): Promise<Ran> {
  const bench = workbench(fakeProfile(vopr, { seed_offset: 2n ** 63n }));
  return bench.kimtest("canaries", "--profile", bench.profilePath, ...argv);
}

const matrixOf = ({ stdout }: Ran): CanaryMatrix => decodeJson(stdout, "the matrix", canaryMatrixSchema);
const statuses = (ran: Ran): string[] => matrixOf(ran).canaries.map(({ canary, status }) => `${canary} ${status}`);

describe("a stand-in", () => {
  test("found, by seed and by the invariant meant", async () => {
    const ran = await hunt({ canaries: [planted("one"), planted("two")] }, "--json", "--workers", "2");
    expect([ran.exitCode, ran.stderr]).toEqual([0, ""]);
    const { canaries, started_at, elapsed_seconds, ...rest } = matrixOf(ran);
    expect(rest).toEqual({
      profile: "fake",
      workers: 2,
      max_seeds: 300,
      deadline_seconds: 300,
      planted: 2,
      found: 2,
      survived: 0,
      inconclusive: 0,
      mutation_score: 1,
    });
    expect(Date.parse(started_at)).toBeGreaterThan(Date.now() - 60_000);
    expect(canaries.map(({ seconds, ...one }) => [one, seconds <= elapsed_seconds])).toEqual(
      ["one", "two"].map((canary) => [
        {
          canary,
          scenario: "combined",
          meant: "replica_consistency",
          status: "found",
          // 2^63 is two more than a multiple of three.
          failed_by: { replica_consistency: 7 },
          seed: 2n ** 63n + 1n,
          seeds_tried: 2,
          repro: `fake-vopr --scenario combined --seed 9223372036854775809 -n 1 --canary ${canary} -v`,
          reason: null,
        },
        true,
      ]),
    );
  });

  test("one that survives, and one that only another invariant sees: exit code 1, with what to run", async () => {
    const canaries = [planted("found"), planted("quiet"), planted("seen", "hash_chain")];
    const ran = await hunt({ canaries, harmless: "quiet" });
    expect(ran.exitCode).toBe(1);
    const lines = ran.stdout.replace(/ +[\d.]+ s$/gm, "").split("\n");
    expect(lines).toEqual([
      "canary  meant to find it     found by                            seed  tried   time",
      "found   replica_consistency  replica_consistency  9223372036854775809      2",
      "quiet   replica_consistency  SURVIVED                               -    300",
      "seen    hash_chain           SURVIVED                               -    300",
      "",
      "survived: quiet: none of 300 seeds failed by replica_consistency",
      "  fake-vopr --scenario combined --seed 9223372036854775808 -n 300 --canary quiet -v",
      "survived: seen: none of 300 seeds failed by hash_chain; others saw it: replica_consistency in 100",
      "  fake-vopr --scenario combined --seed 9223372036854775808 -n 300 --canary seen -v",
      "",
      "mutation score: 1 of 3 (33.3 %),",
      "",
    ]);
  });

  test("one whose process dies is inconclusive, whatever it showed before: exit code 6; a survivor outranks it", async () => {
    const canaries = [planted("good"), planted("bad")];
    const ran = await hunt({ canaries, breaks_in: "bad", mode: "panic" }, "--json");
    expect(ran.exitCode).toBe(6);
    expect(statuses(ran)).toEqual(["good found", "bad inconclusive"]);
    expect(matrixOf(ran)).toMatchObject({ found: 1, inconclusive: 1, mutation_score: 0.5 });
    expect(matrixOf(ran).canaries[1]).toMatchObject({
      seed: null,
      reason: expect.stringContaining("replica.rs:42: commit went backwards"),
    });
    const worse = await hunt({ canaries, breaks_in: "bad", mode: "no-final", harmless: "good" }, "--json");
    expect(statuses(worse)).toEqual(["good survived", "bad inconclusive"]);
    expect(worse.exitCode).toBe(1);
  });

  test("one that hangs is inconclusive at its deadline", async () => {
    const ran = await hunt({ canaries: [planted("bad")], breaks_in: "bad", mode: "hang" }, "--deadline", "1s");
    expect(ran.exitCode).toBe(6);
    expect(ran.stdout).toMatch(/^inconclusive: bad: still running at its deadline of [01]\.\d s$/m);
  });

  test("--only", async () => {
    const canaries = [planted("one"), planted("two"), planted("three")];
    expect(statuses(await hunt({ canaries }, "--json", "--only", "three", "--only", "one"))).toEqual([
      "one found",
      "three found",
    ]);
    const wrong = await hunt({ canaries }, "--only", "four");
    expect(wrong).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: 'kimtest: there is no canary "four"\n  canaries: one, two, three\n',
    });
  });

  test("nothing planted shows nothing: exit code 6", async () => {
    const ran = await hunt({ canaries: [] });
    expect(ran.exitCode).toBe(6);
    expect(ran.stdout).toMatch(/^mutation score: 0 of 0 \(nothing was planted\), /m);
  });

  test.each([
    ["that knows no canaries", {}, "exit code 2: error: unknown argument --list-canaries"],
    ["that names one twice", { canaries: [planted("a"), planted("a")] }, "must not name a canary twice"],
  ])("a vopr %s: exit code 6, and what it must print", async (_, vopr, reason) => {
    const ran = await hunt(vopr);
    expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
    expect(ran.stderr).toContain("kimtest: the vopr of profile fake lists no canaries: ");
    expect(ran.stderr).toContain(reason);
    expect(ran.stderr).toContain("must print what docs/schemas/CanaryList.json describes\n");
  });

  test("interrupted: exit code 130, at once", async () => {
    const bench = workbench();
    const once = join(bench.folder, "hangs");
    bench.writeProfile(fakeProfile({ canaries: [planted("slow")], breaks_in: "slow", mode: "hang", once }));
    const started = bench.start(["canaries", "--profile", bench.profilePath]);
    await until("the canary is hunted", () => existsSync(once));
    started.kill("SIGINT");
    expect(await started).toMatchObject({
      exitCode: 130,
      stdout: "",
      stderr: "interrupted; nothing is known about the canaries\n",
    });
  });
});

test("the embedded simulator: by an invariant and by comparing two runs, and the repro line works as pasted", async () => {
  const bench = workbench();
  const ran = await bench.kimtest("canaries", "--only", "wrong-hash", "--only", "rng-unseeded", "--json");
  expect([ran.exitCode, ran.stderr]).toEqual([0, ""]);
  expect(statuses(ran)).toEqual(["wrong-hash found", "rng-unseeded found"]);
  const [wrongHash, unseeded] = matrixOf(ran).canaries;
  expect(wrongHash).toMatchObject({ meant: "hash_chain", scenario: "baseline" });
  expect(unseeded?.repro).toMatch(/ --canary rng-unseeded --check-determinism --no-trace-on-failure -v$/);
  const { repro_command: program } = embeddedProfile().vopr;
  expect(wrongHash?.repro.startsWith(`${program} `)).toBe(true);
  const pasted = await bench.kimtest(...(wrongHash?.repro ?? "").split(" ").slice(2));
  expect(pasted.exitCode).toBe(1);
  expect(pasted.stdout).toContain("FAILED: hash_chain");
}, 60_000);
