import { describe, expect, test } from "@jest/globals";
import type { BenchmarkComparison } from "../../../contracts/benchmark-comparison.ts";
import type { Digest } from "../../../contracts/digest.ts";
import { cycleState, digestOf, knownFinding, repositoryDigest, richDigest, sighting } from "./samples.fixture.ts";
import { duration } from "./layout.ts";
import { digestText } from "./text.ts";

/** Lines to be pasted are never broken. */
const isToPaste = (line: string): boolean => /^ {12}(repro: |kimtest fetch-failure )/.test(line);
const overlong = (text: string): string[] => text.split("\n").filter((line) => line.length > 100 && !isToPaste(line));

test("a rich digest, whole", () => {
  const text = digestText(richDigest());
  expect(text).toMatchInlineSnapshot(`
   "kimtest cycle 7: FAILED
   profile embedded, commit 0123456789ab, 47 h 0 min, resumed 2 times, 2026-11-21T10:00:00.000Z
     ! vopr: 5 of 1,234,567 seeds failed

   VOPR                 FAILED        1,234,567 seeds in 2 scenarios, 3 failures (3 new)
                                      8.6 sims/s on 8 workers
       baseline       234,567 seeds      0 failures  27 h 46 min CPU  next seed 234567
       combined     1,000,000 seeds      3 failures  55 h 33 min CPU  next seed 18446744073709551615
   fuzzing              PASSED        3,345 executions of 2 targets
   formal verification  PASSED UNTRUSTED 250,000 states to depth 31
   benchmarks           INCONCLUSIVE  0 measured; nothing to compare
                                      the machine was busy: load average 14.2 on 8 cores
   planted bugs         VOPR: skip-fsync found in 12 of 60
                        fuzzing: skip-fsync found in 12 of 60
                        formal verification: its canary skip-fsync was not found: none of 60 seeds
                          failed
                        benchmarks: skip-fsync found in 12 of 60

   findings: 2
     NEW       vsr_agreement:combined  3 in this cycle, first seen in cycle 7
               replicas 0 and 2 differ at op 41
               repro: npx kimtest vopr --scenario combined --seed 17 -n 1 -v
               kimtest fetch-failure vopr/seed-17-1763700000000.json
     ONGOING   hash_chain:swizzle  2 in this cycle (44 ever), first seen in cycle 3
               chain broken: x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x
               y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x y x …
               repro: npx kimtest vopr --scenario combined --seed 17 -n 1 -v
               kimtest fetch-failure vopr/seed-17-1763700000000.json
     RESOLVED  linearizability:gray: its seeds pass on this commit

   seeds without a verdict: 1
     combined, 1 from 4711: panicked (exit code 101): thread 'main' panicked at replica.rs:42: commit
       went backwards
       raw output: cycles/000007/evidence/batch-1763700000000-2-seed-4711.json

   warnings:
     - the corpus of fuzz target lines could not be kept: the store was unreachable for longer than it
       waits

   store: s3://my-results
     could not be reached for 1 h 6 min; what was put meanwhile waited on this machine
     2 objects still wait on this machine's disk for it"
  `);
  expect(overlong(text)).toEqual([]);
});

test("a repository's digest, whole: the red commit first, then each check, target, suite and change", () => {
  const text = digestText(repositoryDigest());
  expect(text).toMatchInlineSnapshot(`
   "kimtest cycle 7: FAILED
     ! fedcba987654 does not build; 0123456789ab was tested in its place
   profile kimberlite, commit 0123456789ab, 47 h 0 min, 2026-11-21T10:00:00.000Z
   with rustc 1.88.0 (6b00bc388 2025-06-23); java: openjdk version "21.0.8" 2025-07-15; ivy not known
     ! the newest commit does not build
     ! benchmarks: blake3_hash/64: +10.1 % (95 % interval +9.2 % to +11.0 %), after 1a2b3c4d5e6f and up
       to 6f5e4d3c2b1a
     build benches: exit code 101: error: could not compile \`kimberlite-bench\`
       log: cycles/000007/logs/prepare/benches.txt

   VOPR                 PASSED        1,234,567 seeds in 2 scenarios, 3 failures (0 new)
                                      8.6 sims/s on 8 workers
       baseline       234,567 seeds      0 failures  27 h 46 min CPU  next seed 234567
       combined     1,000,000 seeds      3 failures  55 h 33 min CPU  next seed 18446744073709551615
   fuzzing              INCONCLUSIVE  19,044,640 executions of 3 targets
       fuzz_abac            INCONCLUSIVE  not built (exit code 101): error[E0432]: unresolved import
                                          \`kimberlite_abac\`
       fuzz_wire            FAILED        1,000,000 executions, 5,012/s, 1,200 edges, 340 inputs, 1
                                          archived; 2 findings
       fuzz_sql_parser      PASSED        18,044,640 executions, 5,012/s, 8,123 edges, 2,345 inputs
   formal verification  INCONCLUSIVE  4 checks: 2 passed, 1 failed, 1 inconclusive
       coq-common           INCONCLUSIVE  does not run on arm64
       alloy-quorum         FAILED        counterexample to QuorumsIntersect
         log: cycles/000007/logs/formal-verification/alloy-quorum.txt
       tlc-vsr              PASSED        51,234 states to depth 22
       ivy-byzantine        PASSED        66 checks
   benchmarks           FAILED        2 measured in 2 suites; 1 open change; changes of 2.0 to 6.1 %
                                      would be seen
       wire                 INCONCLUSIVE  still running at its deadline of 900.0 s
         log: cycles/000007/logs/benchmarks/wire.txt
       SLOWER      blake3_hash/64: +10.1 % (95 % interval +9.2 % to +11.0 %), after 1a2b3c4d5e6f and up
                   to 6f5e4d3c2b1a
       FASTER      frame_encode: -10.1 % (95 % interval +9.2 % to +11.0 %), after 1a2b3c4d5e6f and up
                   to 6f5e4d3c2b1a
       ACCEPTED    as the level to compare with: chain_hash/1024 (better by 4.1 %)
   planted bugs         VOPR: skip-fsync found in 12 of 60
                        fuzzing: skip-fsync found in 12 of 60
                        formal verification: skip-fsync found in 12 of 60
                        benchmarks: skip-fsync found in 12 of 60

   findings: none

   store: /store"
  `);
  expect(overlong(text)).toEqual([]);
});

test("what a history says that cannot judge yet, or not this run", () => {
  const said = (change: Partial<BenchmarkComparison> | null): string => {
    const { benchmarks, ...digest } = repositoryDigest();
    const comparison = change === null ? null : { ...benchmarks.comparison!, changes: [], promoted: [], ...change };
    const text = digestText({ ...digest, benchmarks: { ...benchmarks, runs: {}, comparison } });
    return /^benchmarks {11}FAILED {8}(.*)$/m.exec(text)?.[1] ?? "";
  };
  const young = { benchmark: "a", runs: 3, loud_runs: 0, noise: null };
  expect(said(null)).toBe("2 measured; not compared with their history");
  expect(said({ series: [] })).toBe("2 measured; nothing to compare");
  expect(said({ series: [young, { ...young, runs: 7 }] })).toBe(
    "2 measured; the history begins: 3 of 12 runs, changes are not",
  );
  expect(said({ quiet: "no", quiet_reason: "load 9" })).toBe("2 measured; this run does not count: load 9");
  expect(said({ series: [...repositoryDigest().benchmarks.comparison!.series, young] })).toBe(
    "2 measured; no open change; changes of 2.0 to 6.1 % would be",
  );
});

test("forty changes and fifty reasons: a screenful", () => {
  const { benchmarks, ...digest } = repositoryDigest();
  const [change] = benchmarks.comparison!.changes;
  const changes = Array.from({ length: 40 }, (_, index) => ({ ...change!, benchmark: `b${String(index)}` }));
  const reason = Array.from({ length: 50 }, (_, index) => `reason ${String(index)}`).join("; ");
  const text = digestText({
    ...digest,
    reason,
    benchmarks: { ...benchmarks, comparison: { ...benchmarks.comparison!, changes } },
  });
  expect(text.match(/ b\d+: /g)).toHaveLength(20);
  expect(text).toContain("\n    and 20 more changes: kimtest infra-bench --json\n");
  expect(text.match(/! reason /g)).toHaveLength(12);
  expect(text).toContain("\n  ! and 38 more: kimtest infra-digest --json\n");
});

test("scenarios are named in full, however long", () => {
  const digest = richDigest();
  const share = { iterations: 250, failures: 0, cpu_seconds: 1.5, from_seed: 0n, next_seed: 2n ** 64n - 1n };
  const names = ["byzantine_inflated_commit", "byzantine_invalid_metadata", "x".repeat(64)];
  const scenarios = Object.fromEntries(names.map((name) => [name, share]));
  const text = digestText({ ...digest, vopr: { ...digest.vopr, scenarios } });
  for (const name of names) expect(text).toMatch(new RegExp(`^ {4}${name} +250 seeds`, "m"));
  expect(overlong(text)).toEqual([]);
});

test("an interim digest says so", () => {
  expect(digestText(digestOf(cycleState(), [], { kind: "interim" })).split("\n")[0]).toBe(
    "kimtest interim digest of cycle 7: PASSED",
  );
});

test("more findings than fit are counted", () => {
  const signatures = Array.from({ length: 23 }, (_, index) => `invariant_${String(index)}:gray`);
  const state = cycleState({ sightings: Object.fromEntries(signatures.map((one) => [one, sighting(one)])) });
  const text = digestText(
    digestOf(
      state,
      signatures.map((one) => knownFinding(one)),
    ),
  );
  expect(text).toContain("findings: 23\n");
  expect(text.match(/repro: /g)).toHaveLength(20);
  expect(text).toContain("\n  and 3 more: kimtest infra-digest --json\n");
});

describe("hostile text from programs and stores", () => {
  const ESCAPE = "\u001b[2J\u001b]0;owned\u0007\u009b31m";
  const FORGED = "boom\nkimtest cycle 8: PASSED\r\n";
  const TRICKS = "\u202egnp.exe\u202c zero\u200bwidth \u2066x\u2069 \ud800";

  /** The same text in every string of a digest, names included. */
  function hostile(text: string): Digest {
    const sample = { ...repositoryDigest(), findings: richDigest().findings };
    const { prepare, benchmarks, formal_verification: verification, fuzzing } = sample;
    const { vopr } = richDigest();
    const renamed = <T>(parts: Record<string, T>) =>
      Object.fromEntries(
        Object.values(parts).map((one, index) => [text + String(index), { ...one, reason: text, log_key: text }]),
      );
    return {
      ...sample,
      profile: text,
      git_commit: text,
      reason: text,
      warnings: [text],
      findings: sample.findings.map((one) => ({
        ...one,
        signature: text,
        message: text,
        repro: text,
        failure_key: text,
      })),
      trust: { ...sample.trust, vopr: { trusted: false, reason: text, canary: null } },
      vopr: {
        ...vopr,
        scenarios: { [text]: vopr.scenarios["baseline"]! },
        inconclusive: vopr.inconclusive.map((one) => ({ ...one, scenario: text, reason: text, evidence_key: text })),
      },
      fuzzing: { ...fuzzing, reason: text, targets: renamed(fuzzing.targets) },
      formal_verification: { ...verification, reason: text, tools: renamed(verification.tools) },
      benchmarks: {
        ...benchmarks,
        reason: text,
        runs: renamed(benchmarks.runs),
        comparison: {
          ...benchmarks.comparison!,
          quiet_reason: text,
          changes: benchmarks.comparison!.changes.map((change) => ({ ...change, benchmark: text, text })),
          promoted: [{ benchmark: text, level_ns: 1, reason: text }],
        },
      },
      prepare: {
        ...prepare!,
        red_commit: text,
        versions: { [text]: text },
        builds: prepare!.builds.map((build) => ({ ...build, name: text, reason: text, log_key: text })),
      },
      store: { ...sample.store, url: text },
    };
  }

  test.each([ESCAPE, FORGED, TRICKS])("%j never reaches the terminal raw", (text) => {
    const shown = digestText(hostile(text));
    expect(shown.match(/[^\P{C}\n]/gu)).toBeNull();
    expect(shown.split("\n").filter((line) => line.startsWith("kimtest"))).toEqual(["kimtest cycle 7: FAILED"]);
  });

  test("what cannot be seen is named", () => {
    const shown = digestText(hostile(ESCAPE));
    expect(shown).toContain("  - \\u{1b}[2J\\u{1b}]0;owned\\u{7}\\u{9b}31m");
  });

  test("a field of 5 MB is cut, and lines stay within 100 columns", () => {
    const text = digestText(hostile("A".repeat(5_000_000)));
    expect(text.length).toBeLessThan(100_000);
    expect(overlong(text).filter((line) => !/^store: |raw output: | log: /.test(line))).toEqual([]);
  });
});

test.each([
  [0, "0.0 s"],
  [99.94, "99.9 s"],
  [100, "1 min 40 s"],
  [3_599, "59 min 59 s"],
  [172_800, "48 h 0 min"],
])("duration of %d s", (seconds, shown) => {
  expect(duration(seconds)).toBe(shown);
});
