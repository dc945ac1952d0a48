/**
 * Against a stand-in for the executable that cargo-fuzz builds: what it prints was recorded from real ones
 * (test/fixtures/fuzz-recorded), when and how often it fails is up to the test. `tools/record-fuzz.ts` runs
 * the same functions on the real thing.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { until } from "../../test/until.ts";
import { createProcesses, type Processes } from "../platform/processes.ts";
import { judgeReproduction, minimize } from "./fuzz-minimize.ts";
import { runFuzzTarget, type FuzzRunOptions } from "./fuzz-run.ts";
import { fixtureText, printed } from "./recordings.fixture.ts";

const RECORDED = join(import.meta.dirname, "../../test/fixtures/fuzz-recorded");
let folder: string;
let processes: Processes;
let options: FuzzRunOptions;

/** `script` sees $start (1, 2, …), $prefix (of artifacts), $recorded, and the arguments. */
function standIn(script: string): void {
  writeFileSync(
    join(folder, "target"),
    `#!/bin/bash
recorded=${RECORDED}
here=${folder}
start=$(( $(cat "$here/starts" 2>/dev/null || echo 0) + 1 )); echo $start > "$here/starts"
echo "$*" >> "$here/calls"
for one in "$@"; do case $one in -artifact_prefix=*) prefix=\${one#*=} ;; -exact_artifact_path=*) exact=\${one#*=} ;; esac; done
${script}
`,
  );
  chmodSync(join(folder, "target"), 0o755);
}
const name = (kind: string, digit: string): string => `${kind}-${digit.repeat(40)}`;
const crash = (digit: string): string =>
  `cat "$recorded/fuzz-planted_panic.txt" >&2; echo x > "\${prefix}${name("crash", digit)}"; exit 77`;
const CLEAN = 'cat "$recorded/fuzz-clean.txt" >&2; exit 0';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-fuzz-run-"));
  processes = createProcesses(join(folder, "notes"));
  options = {
    executable: join(folder, "target"),
    target: "t",
    corpusFolders: [join(folder, "corpus")],
    artifactFolder: join(folder, "artifacts"),
    fuzzingMs: 20_000,
    timeoutSeconds: 3,
    memoryMebibytes: 2048,
    seed: 5,
    arguments: ["-max_len=8"],
  };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("passed: its time was used, and what it did is counted", async () => {
  standIn(CLEAN);
  const run = await runFuzzTarget(processes, { ...options, fuzzingMs: 600_000 });
  expect(run).toMatchObject({ judgement: { verdict: "passed", reason: null }, starts: 1, findings: [], failures: 0 });
  expect(run.statistics.executions).toBeGreaterThan(1_000);
  expect(run.statistics.edges).toBeGreaterThan(10);
  expect(run.executionsPerSecond).toBeGreaterThan(0);
  const [call] = readFileSync(join(folder, "calls"), "utf8").split("\n");
  expect(call).toMatch(
    /^-max_total_time=(59\d|600) -timeout=3 -rss_limit_mb=2048 -artifact_prefix=\S+\/artifacts\/ -seed=\d+ -print_final_stats=1 -max_len=8 \S+\/corpus$/,
  );
});

test("a crash does not end the target's time; the same bug is kept once and counted", async () => {
  standIn(`case $start in 1) ${crash("1")} ;; 2) ${crash("2")} ;; *) ${CLEAN} ;; esac`);
  const run = await runFuzzTarget(processes, options);
  expect(run).toMatchObject({ judgement: { verdict: "failed" }, starts: 3, failures: 2 });
  expect(run.findings).toHaveLength(1);
  expect(run.findings[0]).toMatchObject({
    kind: "crash",
    count: 2,
    path: join(folder, "artifacts", name("crash", "1")),
    signature: { group: "panic in planted::decode_rest" },
  });
  const seeds = [...readFileSync(join(folder, "calls"), "utf8").matchAll(/-seed=(\d+)/g)].map((match) => match[1]);
  expect(new Set(seeds).size).toBe(3);
  expect(run.judgement.reason).toMatch(/^2 failing inputs: crash: panic in planted::decode_rest < planted::decode: /);
});

test("the same input found again is found again, though its file was there", async () => {
  const same = join(folder, "artifacts", name("crash", "1"));
  standIn(
    `case $start in 1|2) sed "s|written to .*|written to ${same}|" "$recorded/fuzz-planted_panic.txt"; echo x > ${same}; exit 77 ;; *) ${CLEAN} ;; esac`,
  );
  const run = await runFuzzTarget(processes, options);
  expect(run).toMatchObject({ starts: 3, failures: 2, problem: undefined });
  expect(run.findings).toMatchObject([{ count: 2, path: same, others: [same] }]);
});

test("cut in an input at the end of the phase: what ended before counts, nothing else does", async () => {
  standIn(`exec sleep 60`);
  const cut = await runFuzzTarget(processes, { ...options, fuzzingMs: 1_000, overtimeMs: 500 });
  expect(cut.durationMs).toBeLessThan(25_000);
  expect(cut).toMatchObject({ problem: undefined, hasUsedItsTime: false, judgement: { verdict: "inconclusive" } });
  standIn(CLEAN);
  const { hasUsedItsTime } = await runFuzzTarget(processes, { ...options, overtimeMs: 500 });
  expect(hasUsedItsTime).toBe(true);
});

test("a target that fails at every start gives its time back, and says so", async () => {
  standIn(
    `digit=$(printf %040d $start); cat "$recorded/fuzz-planted_panic.txt" >&2; echo x > "$prefix"crash-$digit; exit 77`,
  );
  const run = await runFuzzTarget(processes, { ...options, fuzzingMs: 600_000 });
  expect(run).toMatchObject({ starts: 20, failures: 20 });
  expect(run.judgement.reason).toMatch(/; blocked by what it finds at once, the rest of its time was given back$/);
});

test("all kinds of inputs are collected; a slow one alone is no failure", async () => {
  standIn(`
    if [ $start = 1 ]; then cat "$recorded/fuzz-planted_timeout.txt"; echo x > "\${prefix}${name("timeout", "a")}"; exit 70; fi
    if [ $start = 2 ]; then cat "$recorded/fuzz-planted_oom.txt"; echo x > "\${prefix}${name("oom", "b")}"; exit 71; fi
    if [ $start = 3 ]; then cat "$recorded/fuzz-planted_leak.txt"; echo x > "\${prefix}${name("leak", "c")}"; exit 77; fi
    echo x > "\${prefix}${name("slow-unit", "d")}"; ${CLEAN}`);
  const run = await runFuzzTarget(processes, options);
  expect(run.findings.map(({ kind, signature }) => `${kind}: ${signature.group}`)).toEqual([
    "timeout: timeout",
    "oom: out-of-memory in planted_oom::fuzz_target",
    "leak: memory leak in planted_leak::fuzz_target",
    "slow-unit: slow-unit",
  ]);
  expect(run).toMatchObject({ judgement: { verdict: "failed" }, failures: 3 });
  rmSync(join(folder, "starts"));
  standIn(`echo x > "\${prefix}${name("slow-unit", "e")}"; ${CLEAN}`);
  expect(await runFuzzTarget(processes, options)).toMatchObject({ judgement: { verdict: "passed" }, failures: 0 });
});

test("what an earlier run left in the folder is not found again", async () => {
  standIn(`case $start in 1) ${crash("1")} ;; *) ${CLEAN} ;; esac`);
  await runFuzzTarget(processes, options);
  expect(await runFuzzTarget(processes, options)).toMatchObject({ judgement: { verdict: "passed" }, findings: [] });
});

test.each<[string, string, string | RegExp]>([
  [
    "it cannot begin",
    "echo 'error while loading shared libraries: libasan.so' >&2; exit 127",
    /^exit code 127, but no input was written: error while loading/,
  ],
  ["it dies", "kill -SEGV $$", "killed by SIGSEGV"],
  ["it says nothing", "exit 0", "exit code 0 without its final line"],
  [
    "it fails without an input",
    `cat "$recorded/fuzz-planted_panic.txt"; exit 77`,
    /^exit code 77, but no input was written: .*deadly signal$/,
  ],
  ["no coverage", `sed 's/cov: [0-9]*//' "$recorded/fuzz-clean.txt"`, "no coverage was measured"],
  ["no executions", "echo 'Done 0 runs in 1 second(s)'", "nothing was executed"],
])("inconclusive: %s", async (_name, script, reason) => {
  standIn(script);
  const { judgement, starts } = await runFuzzTarget(processes, options);
  expect(judgement.verdict).toBe("inconclusive");
  if (typeof reason === "string") expect(judgement.reason).toBe(reason);
  else expect(judgement.reason).toMatch(reason);
  expect(starts).toBe(1);
});

test("inconclusive: no executable", async () => {
  expect((await runFuzzTarget(processes, options)).judgement).toEqual({
    verdict: "inconclusive",
    reason: `cannot be started: ${join(folder, "target")} does not exist or may not be executed`,
  });
});

test("a stop ends it at once; what was found stays", async () => {
  standIn(`[ $start = 1 ] && { ${crash("1")}; }; exec sleep 60`);
  const stop = new AbortController();
  const running = runFuzzTarget(processes, { ...options, signal: stop.signal });
  const starts = join(folder, "starts");
  await until("it is started again", () => existsSync(starts) && readFileSync(starts, "utf8") === "2\n");
  stop.abort();
  const stoppedMs = performance.now();
  const run = await running;
  expect(performance.now() - stoppedMs).toBeLessThan(15_000); // of its twenty seconds, and those of an input
  expect(run).toMatchObject({ judgement: { verdict: "failed" }, failures: 1 });
});

test("what one input did", () => {
  expect(judgeReproduction(printed(fixtureText("fuzz-recorded/reproduce-clean.txt")))).toMatchObject({
    outcome: "passes",
  });
  expect(judgeReproduction(printed(fixtureText("fuzz-recorded/reproduce-planted_panic.txt"), 77))).toMatchObject({
    outcome: "fails",
    signature: { group: "panic in planted::decode_rest" },
  });
  expect(judgeReproduction(printed("", 0))).toEqual({
    outcome: "unknown",
    reason: "exit code 0, but no input was executed",
  });
  expect(judgeReproduction(printed("bus error", 1))).toEqual({
    outcome: "unknown",
    reason: "exit code 1 without a stack",
  });
});

/** The stand-in minimises to `shorter`; run on one input it prints `again`. */
async function minimized(shorter: string, again: string, kind: "crash" | "timeout" = "crash") {
  standIn(`if [ -n "$exact" ]; then printf '${shorter}' > "$exact"; exit 0; fi\n${again}`);
  const path = join(folder, "input");
  writeFileSync(path, "12345");
  const reproduction = judgeReproduction(printed(fixtureText("fuzz-recorded/reproduce-planted_panic.txt"), 77));
  if (reproduction.outcome !== "fails") throw new Error("the recording does not fail");
  const finding = { kind, path, signature: reproduction.signature };
  const result = await minimize(processes, options, finding, join(folder, "output"), { maxSeconds: 5 });
  expect(readFileSync(path, "utf8")).toBe("12345");
  return { ...result, path: result.path.slice(folder.length + 1) };
}
const SAME = 'cat "$recorded/reproduce-planted_panic.txt"; exit 77';

test("a shorter input that fails in the same way takes its place", async () => {
  expect(await minimized("1234", SAME)).toEqual({ path: "output", reason: null });
  expect(readFileSync(join(folder, "output"), "utf8")).toBe("1234");
});

test.each<[string, Parameters<typeof minimized>, string]>([
  ["not shorter", ["12345", SAME], "no shorter input was found"],
  [
    "another bug",
    ["1", 'cat "$recorded/fuzz-planted_unwrap.txt"; exit 77'],
    "the shorter input fails in another way or not at all",
  ],
  [
    "no bug",
    ["1", 'cat "$recorded/reproduce-clean.txt"; exit 0'],
    "the shorter input fails in another way or not at all",
  ],
  ["unclear", ["1", "exit 1"], "the shorter input could not be checked: exit code 1 without a stack"],
  ["a kind that is not minimised", ["1", SAME, "timeout"], "inputs of kind timeout are not minimised"],
])("the input as it was found is kept: %s", async (_name, parameters, reason) => {
  expect(await minimized(...parameters)).toEqual({ path: "input", reason });
  expect(existsSync(join(folder, "output"))).toBe(false);
});
