/** On what real targets printed: test/fixtures/fuzz-recorded, by tools/record-fuzz.ts. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ArtifactKind } from "../../contracts/failure.ts";
import {
  artifactKind,
  judgeFuzzProcess,
  mergeCommand,
  mergeResult,
  minimizeCommand,
  NO_STATISTICS,
  reproduceCommand,
  withStatusLine,
} from "./libfuzzer.ts";
import { DEADLINE, ended, fixtureText, printed } from "./recordings.fixture.ts";

const recorded = (name: string) => fixtureText(`fuzz-recorded/${name}.txt`);
const statisticsOf = (text: string) => text.split("\n").reduce(withStatusLine, NO_STATISTICS);
const DONE = { ...NO_STATISTICS, executions: 10, edges: 5 };

test("the statistics of a run", () => {
  const text = [
    "#2\tINITED cov: 18 ft: 18 corp: 1/1b exec/s: 0 rss: 33Mb",
    "#262\tREDUCE cov: 19 ft: 25 corp: 5/15Kb lim: 6 exec/s: 0 rss: 35Mb L: 5/5 MS: 5 ChangeBit-CopyPart-",
    "\tNEW_FUNC[1/1]: 0x55ed3954f680 in planted::decode_rest /checkout/src/lib.rs:12",
    "#524288\tpulse  cov: 20 ft: 33 corp: 12/355b lim: 4096 exec/s: 262144 rss: 100Mb",
    "#887552\tDONE   cov: 20 ft: 33 corp: 12/355b lim: 4096 exec/s: 221888 rss: 142Mb",
    "stat::number_of_executed_units: 887560",
    "stat::slowest_unit_time_sec:    2",
    "stat::peak_rss_mb:              143",
  ];
  expect(text.reduce(withStatusLine, NO_STATISTICS)).toEqual({
    executions: 887560,
    edges: 20,
    features: 33,
    corpusInputs: 12,
    slowestInputSeconds: 2,
    peakMemoryMebibytes: 143,
  });
});

test.each([
  "clean",
  "planted_panic",
  "planted_memory",
  "planted_leak",
  "planted_timeout",
  "planted_oom",
  "planted_slow",
])("a real run of %s is counted", (target) => {
  const statistics = statisticsOf(recorded(`fuzz-${target}`));
  expect(statistics.executions).toBeGreaterThan(50);
  expect(statistics.edges).toBeGreaterThan(10);
  expect(statistics.corpusInputs).toBeGreaterThan(0);
});

test("other lines count nothing, and numbers never go back", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.nat(1000).map((n) => `#${String(n)}\tNEW    cov: ${String(n)} ft: 1`),
        ),
      ),
      (lines) => {
        let before = NO_STATISTICS;
        for (const line of lines) {
          const after = withStatusLine(before, line);
          expect(after.executions).toBeGreaterThanOrEqual(before.executions);
          expect(after.edges).toBeGreaterThanOrEqual(before.edges);
          before = after;
        }
      },
    ),
  );
  expect(withStatusLine(NO_STATISTICS, "#12 0x55 in main cov: 4")).toEqual(NO_STATISTICS);
});

test("the kinds of files", () => {
  const sha = "a4c1c9c173793f080f3727ba428ab43b6470fbef";
  const kinds = ["crash", "leak", "timeout", "oom", "slow-unit"].map((kind) => artifactKind(`${kind}-${sha}`));
  expect(kinds).toEqual(["crash", "leak", "timeout", "oom", "slow-unit"]);
  for (const name of [sha, `minimized-from-${sha}`, "crash-12", `crash-${sha}.log`])
    expect(artifactKind(name)).toBeUndefined();
});

test.each<[string, string, number, ArtifactKind[], object]>([
  ["its time was used", recorded("fuzz-clean"), 0, [], { kind: "time-used" }],
  [
    "exit code 0 without an end",
    recorded("fuzz-clean").replace(/^Done.*$/m, ""),
    0,
    [],
    { kind: "problem", reason: "exit code 0 without its final line" },
  ],
  ["a slow input alone", recorded("fuzz-planted_slow"), 0, ["slow-unit"], { kind: "time-used" }],
  ["a crash", recorded("fuzz-planted_panic"), 77, ["crash"], { kind: "found" }],
  ["a crash that the sanitizer ended", recorded("fuzz-planted_memory"), 1, ["crash"], { kind: "found" }],
  ["a time-out", recorded("fuzz-planted_timeout"), 70, ["timeout"], { kind: "found" }],
  ["too much memory", recorded("fuzz-planted_oom"), 71, ["oom"], { kind: "found" }],
  ["a leak", recorded("fuzz-planted_leak"), 77, ["leak"], { kind: "found" }],
  ["exit code 0, though an input failed (fork mode)", recorded("fuzz-clean"), 0, ["crash"], { kind: "found" }],
  [
    "no coverage",
    "WARNING: no interesting inputs were found so far. Is the code instrumented?\nDone 2 runs in 1 second(s)",
    0,
    [],
    { kind: "problem", reason: "it is not instrumented: no coverage was seen" },
  ],
])("%s", (_name, text, exitCode, kinds, expected) => {
  expect(judgeFuzzProcess(printed(text, exitCode), DONE, kinds)).toEqual(expected);
});

test("killed at its deadline: a problem; stopped with the runner: no verdict", () => {
  const text = recorded("fuzz-clean");
  expect(judgeFuzzProcess({ end: ended(DEADLINE), text }, DONE, [])).toEqual({
    kind: "problem",
    reason: "still running at its deadline of 600.0 s",
  });
  expect(judgeFuzzProcess({ end: ended({ ending: "stopped", exitCode: null }), text }, DONE, [])).toEqual({
    kind: "stopped",
  });
});

test("a merge counts only when it came to its end", () => {
  const text = recorded("merge-clean");
  const result = mergeResult(printed(text));
  expect(result?.inputs).toBeGreaterThan(0);
  expect(result?.newInputs).toBeGreaterThan(0);
  expect(result?.features).toBeGreaterThan(0);
  expect(mergeResult(printed(text, 1))).toBeUndefined();
  expect(mergeResult(printed(text.replace(/^MERGE-OUTER: successful.*$/m, "")))).toBeUndefined();
  expect(mergeResult(printed(""))).toBeUndefined();
});

test("the commands for one input and for a corpus", () => {
  const options = { executable: "/b/t", timeoutSeconds: 3600, memoryMebibytes: 4096 };
  expect(reproduceCommand({ ...options, artifactFolder: "/s" }, "/i").join(" ")).toBe(
    "/b/t -timeout=3600 -rss_limit_mb=4096 -artifact_prefix=/s/ /i",
  );
  expect(minimizeCommand(options, "/i", "/o", 60).join(" ")).toBe(
    "/b/t -minimize_crash=1 -max_total_time=60 -timeout=3600 -rss_limit_mb=4096 -exact_artifact_path=/o /i",
  );
  expect(mergeCommand(options, "/new", "/corpus").join(" ")).toBe(
    "/b/t -merge=1 -timeout=3600 -rss_limit_mb=4096 /new /corpus",
  );
});
