/** infra-bench and bench-baseline, on stores that are filled by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { BASELINE_KEY, benchmarksKey } from "../../contracts/bucket.ts";
import { baselineSchema, type BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { historyOf, nameOf, runAt } from "../../runner/statistics/runs.fixture.ts";
import { FolderStore } from "../../runner/store/folder-store.ts";
import { decodeJson } from "../../runner/store/read-json.ts";
import { addRun } from "../../runner/triage/benchmark-store.ts";
import { kimtest, NOW_MS } from "../fake-deps.fixture.ts";
import { Folder } from "../folder.fixture.ts";

const NAME = nameOf(1);

async function folderWith(runs: readonly BenchmarkRun[]): Promise<Folder> {
  const folder = new Folder();
  const store = new FolderStore(folder.store);
  for (const run of runs) await addRun(store, run);
  return folder;
}

const slower = { runs: 30, benchmarks: 3, factor: (run: number, one: number) => (one === 1 && run >= 22 ? 1.1 : 1) };

const baselineOf = (folder: Folder) =>
  decodeJson(readFileSync(join(folder.store, BASELINE_KEY), "utf8"), BASELINE_KEY, baselineSchema);

describe("infra-bench", () => {
  test("the newest run, its machine, what the history says, and each benchmark", async () => {
    const folder = await folderWith(historyOf(slower));
    const ran = await kimtest(["infra-bench", "--store", folder.store]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toMatchInlineSnapshot(`
     "newest run  2026-02-28T00:00:00.000Z, cycle 30, commit commit-29
     machine     c7g.xlarge, Neoverse-V1, arm64, 4 cores; rustc 1.88.0
     quiet       yes
     history     1 open change; changes of 2.0 to 2.3 % would be seen
     verdict     FAILED
         SLOWER      group/function-1: +9.7 % (95 % interval +8.9 % to +10.6 %), after commit-21 and up
                     to commit-22

     benchmark         newest run     level  noise  accepted  change
     group/function-0    997.6 ns  996.2 ns  0.9 %         -       -
     group/function-1    1.089 us  1.098 us  1.0 %         -       -
     group/function-2    1.008 us  999.3 ns  0.9 %         -       -
     "
    `);
  });

  test("--json: the run as it is stored, the comparison and the levels", async () => {
    const folder = await folderWith(historyOf(slower));
    await kimtest(["bench-baseline", "--store", folder.store, "--all"]);
    const ran = await kimtest(["infra-bench", "--store", folder.store, "--json"]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      store: folder.store,
      run: { cycle: 30, git_commit: "commit-29" },
      comparison: { verdict: "passed", changes: [{ benchmark: NAME, open: false, after_commit: "commit-21" }] },
      benchmarks: [
        { benchmark: nameOf(0), ratio: 1, open: false },
        { benchmark: NAME, suite: "crypto", ratio: 1, accepted: { promoted_by: "person" } },
        { benchmark: nameOf(2) },
      ],
    });
  });

  test("a loud run, and benchmarks that were not measured, are said", async () => {
    const last = (run: BenchmarkRun, index: number): BenchmarkRun =>
      index < 29
        ? run
        : {
            ...run,
            compiler: null,
            quietness: { load_average_before: 9, busy_share_before: null, steal_share: null },
            measurements: run.measurements.slice(1),
            problems: [{ benchmark: nameOf(0), suite: "crypto", reason: "not measured" }],
          };
    const folder = await folderWith(historyOf({ runs: 30, benchmarks: 3, change: last }));
    const { stdout } = await kimtest(["infra-bench", "--store", folder.store]);
    expect(stdout).toContain("quiet       no: load 9.00 before the run, above 2.00\n");
    expect(stdout).toContain("; compiler not known\n");
    expect(stdout).toContain("verdict     INCONCLUSIVE\n");
    expect(stdout).toContain("\nnot measured:\n  group/function-0: not measured\n");
    expect(stdout).toMatch(/^group\/function-0 {2} +- /m);
  });

  test("a day that cannot be read is named, the rest is shown, exit code 6", async () => {
    const folder = await folderWith(historyOf(slower));
    folder.put(benchmarksKey(new Date(runAt(3))), "{ damaged");
    const ran = await kimtest(["infra-bench", "--store", folder.store]);
    expect(ran.exitCode).toBe(6);
    expect(ran.stderr).toMatch(/^left out: .*2026-01-07\.json is not valid JSON/);
    expect(ran.stdout).toContain("newest run  2026-02-28");
  });
});

describe("bench-baseline", () => {
  test("without a level yet, and after one was accepted: better or worse, that one only", async () => {
    const folder = await folderWith(historyOf(slower));
    const args = ["bench-baseline", "--store", folder.store];
    expect((await kimtest(args)).stdout).toMatchInlineSnapshot(`
     "c7g.xlarge, Neoverse-V1, arm64, 4 cores

     benchmark         accepted  on  by  newest level  change
     group/function-0         -   -   -      996.2 ns       -
     group/function-1         -   -   -      1.098 us       -  slower
     group/function-2         -   -   -      999.3 ns       -
     "
    `);

    const accepted = await kimtest([...args, "--accept", NAME]);
    expect(accepted).toMatchObject({ exitCode: 0, stderr: `accepted: ${NAME}\n` });
    expect(accepted.stdout).toMatchInlineSnapshot(`
     "c7g.xlarge, Neoverse-V1, arm64, 4 cores

     benchmark         accepted          on      by  newest level  change
     group/function-0         -           -       -      996.2 ns       -
     group/function-1  1.098 us  2026-11-21  person      1.098 us  +0.0 %
     group/function-2         -           -       -      999.3 ns       -
     "
    `);
    const { levels } = baselineOf(folder);
    expect(levels).toHaveLength(1);
    expect(levels[0]).toMatchObject({
      benchmark: NAME,
      promoted_by: "person",
      promoted_at: new Date(NOW_MS).toISOString(),
      git_commit: "commit-29",
      runs: 8,
    });
    expect((await kimtest(args)).stdout).toBe(accepted.stdout);
  });

  test("--all accepts every benchmark of this machine and leaves those of others", async () => {
    const folder = await folderWith(historyOf(slower));
    const args = ["bench-baseline", "--store", folder.store];
    await kimtest([...args, "--accept", NAME]);
    const [mine] = baselineOf(folder).levels;
    const elsewhere = { ...mine, machine_type: "c8g.large" };
    folder.put(BASELINE_KEY, { ...baselineOf(folder), levels: [mine, elsewhere] });
    const ran = await kimtest([...args, "--all", "--json"]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ accepted: [nameOf(0), NAME, nameOf(2)] });
    expect(baselineOf(folder).levels).toContainEqual(elsewhere);
    expect(baselineOf(folder).levels).toHaveLength(4);
  });

  test("one name that is unknown: nothing at all is accepted, exit code 4", async () => {
    const folder = await folderWith(historyOf(slower));
    const ran = await kimtest(["bench-baseline", "--store", folder.store, "--accept", NAME, "typo"]);
    expect(ran).toEqual({
      exitCode: 4,
      stdout: "",
      stderr:
        "kimtest: nothing was accepted:\n  typo: there is no such benchmark in this machine's history\n" +
        "  `kimtest bench-baseline` lists the benchmarks\n",
    });
    expect(() => baselineOf(folder)).toThrow("ENOENT");
  });

  test("a damaged file of levels is not written over: exit code 6", async () => {
    const folder = await folderWith(historyOf(slower));
    folder.put(BASELINE_KEY, "{ damaged");
    const ran = await kimtest(["bench-baseline", "--store", folder.store, "--all"]);
    expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
    expect(ran.stderr).toContain("baseline.json is not valid JSON");
    expect(readFileSync(join(folder.store, BASELINE_KEY), "utf8")).toBe("{ damaged");
  });

  test("a machine that was never quiet has no level", async () => {
    const loud = (run: BenchmarkRun): BenchmarkRun => ({
      ...run,
      quietness: { load_average_before: 9, busy_share_before: null, steal_share: 0 },
    });
    const folder = await folderWith(historyOf({ runs: 3, benchmarks: 2, change: loud }));
    const ran = await kimtest(["bench-baseline", "--store", folder.store, "--all"]);
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: no run counts: the machine was never quiet\n/);
  });
});

test.each(["infra-bench", "bench-baseline"])("%s: no run yet is exit code 4", async (command) => {
  const { store } = new Folder();
  const ran = await kimtest([command, "--store", store]);
  expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
  expect(ran.stderr).toMatch(/^kimtest: there is no benchmark run in .*\n {2}each cycle makes one; /);
});

test.each([
  ["infra-bench", []],
  ["infra-bench", ["--json"]],
  ["bench-baseline", []],
  ["bench-baseline", ["--all"]],
  ["bench-baseline", ["--all", "--json"]],
])("%s %s: hostile names are shown, not obeyed", async (command, more) => {
  const hostile = "boom\u001b[2J\u009b31m\u202e\nkimtest cycle 9: PASSED";
  const evil = (run: BenchmarkRun): BenchmarkRun => ({
    ...run,
    git_commit: hostile,
    compiler: hostile,
    machine: { ...run.machine, machine_type: hostile, cpu: hostile },
    measurements: run.measurements.map((one) => ({ ...one, benchmark: `${hostile}${one.benchmark}`, suite: hostile })),
    problems: [{ benchmark: hostile, suite: hostile, reason: hostile }],
  });
  const folder = await folderWith(historyOf({ ...slower, change: evil }));
  const ran = await kimtest([command, "--store", folder.store, ...more]);
  expect(ran.exitCode).toBe(0);
  expect(ran.stdout + ran.stderr).not.toMatch(/[^\P{C}\n]/u);
  expect(ran.stdout.split("\n").filter((line) => line.startsWith("kimtest cycle 9"))).toEqual([]);
});
