/**
 * The cargo-fuzz phase in whole cycles. cargo and the programs that it builds are stand-ins (fake-cargo-fuzz.js) that
 * print what real ones printed; store, outbox, processes and files are real.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { fuzzFailureSchema, type FuzzFailure } from "../contracts/failure.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { artifactsOf, cargoProfile, corpusOf, fuzzCycle, unpacked, type FakeTarget } from "./fuzz-cycle.ts";
import { RecordingMetrics } from "./recording-metrics.ts";
import { until } from "./until.ts";
import { workbenches, type Workbench } from "./workbench.ts";

const workbench = workbenches();
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

interface Archive {
  readonly key: string;
  readonly failure: FuzzFailure;
  readonly files: Readonly<Record<string, Buffer>>;
}

async function archives(bench: Workbench): Promise<Archive[]> {
  const keys = existsSync(join(bench.store, "failures")) ? bench.keys("failures/fuzz/") : [];
  return Promise.all(
    keys.map(async (key) => {
      const files = await unpacked(readFileSync(join(bench.store, key)));
      return { key, files, failure: decodeJson(files["failure.json"]!.toString(), key, fuzzFailureSchema) };
    }),
  );
}

const files = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((one) => (one.isFile() ? [one.name] : []))
    : [];

function writeAt(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

test.concurrent(
  "clean targets: passed by what was executed, with equal shares of the cores; inputs are in the store",
  async () => {
    const bench = workbench();
    const targets = { clean_a: { inputs: 3, build: 300 }, clean_b: { inputs: 2 }, clean_c: {} };
    const metrics = new RecordingMetrics();
    const { outcome, result, warnings } = await fuzzCycle(bench, cargoProfile({ targets }), { seconds: 16, metrics });
    expect(outcome.kind).toBe("done");
    expect(warnings).toEqual([]);
    expect(result).toMatchObject({ verdict: "passed", reason: null });
    expect(result?.canary).toMatchObject({ canary: "planted-crash", found: true, found_in: 1, reason: null });
    expect(Object.keys(result?.targets ?? {})).toEqual(Object.keys(targets));
    for (const target of Object.values(result?.targets ?? {})) {
      expect(target).toMatchObject({ verdict: "passed", edges: 20, failure_keys: [], log_key: null });
      expect(target.executions).toBeGreaterThan(5_000);
      expect(target.executions_per_second).toBeCloseTo(target.executions / target.duration_seconds, 5);
      expect(target.build_seconds).toBeGreaterThan(0);
    }
    expect(result?.targets["clean_a"]?.build_seconds).toBeGreaterThan(0.3);
    const seconds = Object.values(result?.targets ?? {}).map(({ duration_seconds: each }) => each);
    expect(Math.max(...seconds) - Math.min(...seconds)).toBeLessThan(Math.max(...seconds) / 2);
    // The time was used: two cores, less the reserve, the building, and the starts of processes.
    expect(seconds.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(16);
    const stored = bench.keys("fuzz-corpus/").map((key) => key.split("/").slice(1).join("/"));
    expect(stored).toContain(`clean_a/${sha1("A1-0")}`);
    expect(stored).toHaveLength(files(corpusOf(bench, "clean_a")).length + files(corpusOf(bench, "clean_b")).length);
    // The other two are of the phases before and after: here once a minute at most.
    expect(metrics.sums.Progress).toBe(3);
    expect(result?.targets["clean_a"]?.corpus_inputs).toBe(files(corpusOf(bench, "clean_a")).length);
  },
  120_000,
);

describe("a target that crashes", () => {
  test.concurrent(
    "goes on; each bug is archived once with all that shows it again, and its line works",
    async () => {
      const bench = workbench();
      const profile = cargoProfile({
        targets: { crashing: { crashes: 3, after_ms: 100 }, leaking: { crashes: 1, kind: "leak" } },
      });
      const { result } = await fuzzCycle(bench, profile, { seconds: 16 });
      expect(result?.verdict).toBe("failed");
      expect(result?.targets["crashing"]?.reason).toMatch(
        /^crashing: 3 failing inputs: crash: panic in planted::decode_rest < planted::decode: index out of bounds/,
      );
      expect(result?.targets["crashing"]?.executions).toBeGreaterThan(30_000); // beyond the three starts that crashed
      const found = await archives(bench);
      expect(found.map(({ failure }) => failure.target)).toEqual(["crashing", "leaking"]);
      const [{ key, failure, files: content }] = found as [Archive];
      expect(result?.targets["crashing"]?.failure_keys).toEqual([key]);
      const input = `artifacts/crashing/crash-${sha1("FUZZ1")}`;
      const minimized = `artifacts/crashing/minimized-from-crash-${sha1("FUZZ1")}`;
      expect(Object.keys(content).sort()).toEqual([input, minimized, "failure.json", "log.txt"].sort());
      expect([content[input]?.toString(), content[minimized]?.toString()]).toEqual(["FUZZ1", "FUZZ"]);
      expect(content["log.txt"]?.toString()).toContain("index out of bounds: the len is 5 but the index is 5");
      expect(failure).toMatchObject({
        signature:
          "fuzz:crashing:panic in planted::decode_rest < planted::decode: index out of bounds: the len is N but the index is N",
        group: "fuzz:crashing:panic in planted::decode_rest",
        artifact: "crash",
        counterexample: '"FUZZ"',
        cycle: 1,
        git_commit: bench.cycleState().git_commit,
        inputs: { found: input, minimized, reason: null },
      });
      expect(failure.command.slice(-6)).toEqual([
        "run",
        "crashing",
        minimized,
        "--",
        "-timeout=3",
        "-rss_limit_mb=2048",
      ]);
      expect(found[1]?.failure.inputs).toMatchObject({
        minimized: null,
        reason: "inputs of kind leak are not minimised",
      });
      expect([files(artifactsOf(bench, "crashing")), files(artifactsOf(bench, "leaking"))]).toEqual([[], []]);

      const checkout = join(bench.folder, "checkout");
      for (const [path, bytes] of Object.entries(content)) writeAt(join(checkout, path), bytes.toString());
      const again = await execa("sh", ["-c", failure.repro], { cwd: checkout, reject: false });
      expect(again.exitCode).toBe(1);
      expect(again.stderr).toContain("index out of bounds: the len is 5 but the index is 5");

      const { findings } = bench.registry();
      expect(findings[failure.signature]).toMatchObject({
        state: "new",
        count: 3,
        failure_key: key,
        repro: failure.repro,
      });
    },
    120_000,
  );

  test.concurrent(
    "at every start gives its time to the others",
    async () => {
      const bench = workbench();
      const profile = cargoProfile({ targets: { blocked: { crashes: "Infinity", input: "x" }, clean: {} } });
      const { result } = await fuzzCycle(bench, profile, { seconds: 20 });
      const { blocked, clean } = result?.targets ?? {};
      expect(blocked?.reason).toMatch(/; blocked by what it finds at once, the rest of its time was given back$/);
      expect(clean?.verdict).toBe("passed");
      expect(clean?.duration_seconds).toBeGreaterThan(1.5 * (blocked?.duration_seconds ?? 0));
      expect(bench.keys("failures/fuzz/")).toHaveLength(1);
    },
    120_000,
  );

  test.concurrent(
    "all kinds are archived; a slow input alone is no failure; a time-out is known by its kind",
    async () => {
      const bench = workbench();
      const one = (kind: NonNullable<FakeTarget["kind"]>): FakeTarget => ({ crashes: 1, kind });
      const targets = {
        crashing: one("crash"),
        out_of_memory: one("oom"),
        slow: one("slow-unit"),
        too_long: one("timeout"),
      };
      const { result } = await fuzzCycle(bench, cargoProfile({ targets }, { minimize_seconds: 0.5 }));
      expect(Object.values(result?.targets ?? {}).map(({ verdict }) => verdict)).toEqual([
        "failed",
        "failed",
        "passed",
        "failed",
      ]);
      const found = await archives(bench);
      expect(found.map(({ failure }) => [failure.artifact, failure.signature])).toEqual([
        ["crash", expect.stringMatching(/^fuzz:crashing:panic in planted::decode_rest/)],
        ["oom", "fuzz:out_of_memory:out-of-memory in planted_oom::fuzz_target"],
        ["slow-unit", "fuzz:slow:slow-unit"],
        ["timeout", "fuzz:too_long:timeout"],
      ]);
      expect(found[0]?.failure.inputs?.reason).toBe("no time was left to minimise it");
    },
    120_000,
  );
});

describe("what was not shown is inconclusive", () => {
  test.concurrent(
    "a target that does not build, one that is not there, one that cannot begin; and one that nobody fuzzes",
    async () => {
      const bench = workbench();
      const targets = { broken: { build: "fails" }, clean: {}, dying: { dies: true } } as const;
      const profile = cargoProfile(
        { targets, list: ["broken", "clean", "dying", "planted", "fuzz_scalar_expr"] },
        { targets: ["broken", "clean", "dying", "fuzz_abac"] },
      );
      const { result, warnings } = await fuzzCycle(bench, profile);
      expect(result).toMatchObject({ verdict: "inconclusive", canary: { found: true } });
      expect(result?.targets).toMatchObject({
        broken: {
          verdict: "inconclusive",
          reason: expect.stringMatching(
            /^broken: build: exit code 1: error\[E0425\]: cannot find function/,
          ) as unknown as string,
          executions: 0,
          edges: null,
          log_key: "cycles/000001/logs/fuzz/broken.txt",
        },
        clean: { verdict: "passed" },
        dying: {
          verdict: "inconclusive",
          reason: "dying: exit code 127, but no input was written: error while loading shared libraries: libasan.so",
          log_key: "cycles/000001/logs/fuzz/dying.txt",
        },
        fuzz_abac: {
          verdict: "inconclusive",
          reason: "fuzz_abac: `cargo fuzz list` does not know it",
          build_seconds: null,
        },
      });
      expect(bench.text("cycles/000001/logs/fuzz/broken.txt")).toContain("no_such_function");
      expect(warnings).toEqual([
        "nobody fuzzes fuzz_scalar_expr: add to fuzz.targets or to fuzz.left_out of the profile",
      ]);
    },
    120_000,
  );

  test.concurrent(
    "no cargo-fuzz, no cargo: every target says so, and the planted crash was not found",
    async () => {
      const without = await fuzzCycle(workbench(), cargoProfile({ targets: { one: {} }, no_fuzz: true }), {
        seconds: 5,
      });
      const reason = "cargo fuzz list: exit code 101: error: no such command: `fuzz`";
      expect(without.result).toMatchObject({
        verdict: "inconclusive",
        targets: { one: { verdict: "inconclusive", reason: `one: ${reason}` } },
        canary: { found: false, reason },
      });
      const none = await fuzzCycle(workbench(), cargoProfile({ targets: { one: {} } }, { cargo: ["/nowhere/cargo"] }), {
        seconds: 5,
      });
      expect(none.result?.reason).toBe(
        "one: no version of cargo: cannot be started: /nowhere/cargo does not exist or may not be executed",
      );
    },
    120_000,
  );

  test.concurrent(
    "a planted crash that is not found, or does not build, makes the workload untrusted",
    async () => {
      const missed = workbench();
      await fuzzCycle(missed, cargoProfile({ targets: { clean: {}, planted: {} } }, { targets: ["clean"] }));
      expect(missed.digest().trust.fuzzing).toMatchObject({ trusted: false, canary: { found: false, found_in: 0 } });
      expect(missed.digest().trust.fuzzing.canary?.reason).toMatch(/^not in \d{4,} executions$/);
      const unbuilt = workbench();
      const targets = { clean: {}, planted: { build: "fails" } } as const;
      await fuzzCycle(unbuilt, cargoProfile({ targets }, { targets: ["clean"] }));
      expect(unbuilt.digest().trust.fuzzing.canary?.reason).toMatch(
        /^build: exit code 1: error\[E0425\].*, see cycles\/000001\/logs\/fuzz\/canary\.build\.txt$/,
      );
      expect(unbuilt.digest().fuzzing.verdict).toBe("passed");
    },
    120_000,
  );

  test.concurrent(
    "a build takes longer than its deadline; no time is left for the others",
    async () => {
      const targets = { slow_build: { build: 60_000 }, next: {} };
      const { result } = await fuzzCycle(workbench(), cargoProfile({ targets }), { seconds: 7 });
      expect(result?.targets["slow_build"]?.reason).toMatch(
        /^slow_build: build: still running at its deadline of \d\.\d s$/,
      );
      expect(result?.targets["next"]?.reason).toBe("next: no time was left to build it");
      expect(result?.duration_seconds).toBeLessThan(30); // and not the minute of the build
    },
    120_000,
  );
});

describe("a runner that is stopped", () => {
  /** Stops the cycle once `isReady`, and says how long that took. */
  async function stopped(bench: Workbench, profile: Parameters<typeof fuzzCycle>[1], isReady: () => boolean) {
    const stop = new AbortController();
    const running = fuzzCycle(bench, profile, { seconds: 16, signal: stop.signal });
    await until("it has found something", isReady);
    const stoppedMs = performance.now();
    stop.abort();
    const { outcome, result } = await running;
    expect(outcome).toEqual({ kind: "interrupted", cycle: 1, phase: "fuzz" });
    expect(result).toBeUndefined();
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
  }

  test.concurrent(
    "leaves what it found on the disk; the next attempt tests and archives it",
    async () => {
      const bench = workbench();
      const profile = cargoProfile({ targets: { crashing: { crashes: 1, inputs: 2 } } });
      await stopped(
        bench,
        profile,
        () => files(artifactsOf(bench, "crashing")).length > 0 && files(corpusOf(bench, "crashing")).length > 0,
      );
      expect(files(artifactsOf(bench, "crashing"))).toEqual([`crash-${sha1("FUZZ1")}`]);
      expect(bench.keys("failures/")).toEqual([]);
      const { result } = await fuzzCycle(bench, profile);
      expect(result?.targets["crashing"]).toMatchObject({ verdict: "failed" });
      const [archive, ...others] = await archives(bench);
      expect(others).toEqual([]);
      expect(archive?.failure).toMatchObject({
        group: "fuzz:crashing:panic in planted::decode_rest",
        counterexample: '"FUZZ"',
      });
      expect(files(artifactsOf(bench, "crashing"))).toEqual([]);
      expect(bench.keys("fuzz-corpus/crashing/")).toHaveLength(files(corpusOf(bench, "crashing")).length);
    },
    120_000,
  );

  test.concurrent(
    "what it had archived before still counts, though it is not found again",
    async () => {
      const bench = workbench();
      // While another is built slices are short: the first is over, and what it found archived, before the stop.
      const profile = cargoProfile({ targets: { once: { crashes: 1 }, built_late: { build: 6_000 } } });
      const isArchived = () =>
        existsSync(join(bench.store, "failures/fuzz")) && bench.keys("failures/fuzz/").length > 0;
      await stopped(bench, profile, isArchived);
      const { result } = await fuzzCycle(bench, profile);
      expect(result?.targets["once"]).toMatchObject({ verdict: "failed", failure_keys: bench.keys("failures/fuzz/") });
      expect(bench.keys("failures/fuzz/")).toHaveLength(1);
      expect(Object.values(bench.cycleState().sightings)).toMatchObject([{ count: 1 }]);
    },
    90_000,
  );

  test.concurrent(
    "inputs that a killed runner left: known by kind, or failing again, or neither",
    async () => {
      const bench = workbench();
      const left = (kind: string, text: string): string => {
        const name = `${kind}-${sha1(text)}`;
        writeAt(join(artifactsOf(bench, "target"), "1", name), text);
        return name;
      };
      const unclear = left("crash", "passes now");
      left("timeout", "long");
      left("crash", "FUZZ");
      writeAt(join(artifactsOf(bench, "target"), "notes.txt"), "not ours");
      const { result, warnings } = await fuzzCycle(bench, cargoProfile({ targets: { target: {} } }));
      const found = await archives(bench);
      expect(found.map(({ failure }) => failure.signature.replace(/:.*(panic).*/, ":$1")).sort()).toEqual([
        "fuzz:panic",
        "fuzz:target:crash that did not fail again",
        "fuzz:target:timeout",
      ]);
      const archive = found.find(({ failure }) => failure.signature.includes("not fail again"));
      expect(archive?.files[`artifacts/target/${unclear}`]?.toString()).toBe("passes now");
      expect(warnings).toEqual([
        `target: a crash input that an interrupted attempt left did not fail again (it passed): ${archive?.key ?? ""}`,
      ]);
      expect(result?.targets["target"]).toMatchObject({ verdict: "failed" });
      expect([...(result?.targets["target"]?.failure_keys ?? [])].sort()).toEqual(bench.keys("failures/fuzz/"));
      expect(Object.keys(bench.cycleState().sightings)).toHaveLength(2);
      expect(files(artifactsOf(bench, "target"))).toEqual(["notes.txt"]);
    },
    120_000,
  );
});
