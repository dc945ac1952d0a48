import { expect, test } from "@jest/globals";
import { MAX_RUNS_PER_DAY, type BenchmarkRun } from "../../contracts/benchmark-history.ts";
import { withRun } from "./history.ts";
import { historyOf } from "./runs.fixture.ts";

const [sample] = historyOf({ runs: 1 });
const runAt = (time: string, commit = "abc"): BenchmarkRun => ({
  ...sample!,
  started_at: `2026-01-30T${time}Z`,
  git_commit: commit,
});

test("a second run of the day is added, in order of time", () => {
  const day = withRun(withRun(undefined, runAt("12:00:00.000")), runAt("06:00:00.000"));
  expect(day.date).toBe("2026-01-30");
  expect(day.runs.map((run) => run.started_at)).toStrictEqual(["2026-01-30T06:00:00.000Z", "2026-01-30T12:00:00.000Z"]);
});

test("the same run put twice is there once, as it was put last", () => {
  const once = withRun(undefined, runAt("12:00:00.000"));
  expect(withRun(once, runAt("12:00:00.000", "def")).runs.map((run) => run.git_commit)).toStrictEqual(["def"]);
});

test("another day and one run too many are refused", () => {
  const day = withRun(undefined, runAt("12:00:00.000"));
  const tomorrow = { ...runAt("12:00:00.000"), started_at: "2026-01-31T12:00:00.000Z" };
  expect(() => withRun(day, tomorrow)).toThrow(
    "a benchmark run of 2026-01-31 does not belong in the file of 2026-01-30",
  );
  let full = day;
  for (let run = 1; run < MAX_RUNS_PER_DAY; run += 1)
    full = withRun(full, runAt(`13:00:00.${String(run).padStart(3, "0")}`));
  expect(full.runs.length).toBe(MAX_RUNS_PER_DAY);
  expect(() => withRun(full, runAt("14:00:00.000"))).toThrow("there are 100 runs already");
});
