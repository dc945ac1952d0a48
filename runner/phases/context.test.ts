/** How long a phase took, on a machine whose clock is set while it runs. */
import { expect, test } from "@jest/globals";
import { fakeProfile } from "../../test/fake-profile.ts";
import { phaseBenches } from "../../test/phase-bench.ts";
import { resultFrame, stopwatch } from "./context.ts";

const open = phaseBenches();

test.each([7_200_000, -7_200_000])("a clock that is set by %i ms does not change it", async (stepMs) => {
  const { context } = await open({ profile: fakeProfile(), phase: "fuzz", budgetMs: 1_000 });
  let wallMs = Date.parse("2026-11-21T10:00:00.000Z");
  let monotonicMs = 5_000;
  const clock = { ...context.clock, nowMs: () => wallMs, monotonicMs: () => monotonicMs };
  const started = stopwatch({ clock });
  wallMs += 90_000 + stepMs;
  monotonicMs += 90_000;
  expect(resultFrame({ ...context, clock }, started)).toMatchObject({
    started_at: "2026-11-21T10:00:00.000Z",
    ended_at: new Date(wallMs).toISOString(),
    duration_seconds: 90,
  });
});
