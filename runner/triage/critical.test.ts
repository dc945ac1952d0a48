/** How often people are told: a notifier that is slow, as SNS may be. */
import { expect, test } from "@jest/globals";
import type { Batch } from "../../contracts/checkpoint.ts";
import { memoryLog } from "../../test/memory-log.ts";
import { RecordingMetrics } from "../../test/recording-metrics.ts";
import { cycleState } from "../phases/digest/samples.fixture.ts";
import { newBatch } from "../phases/vopr/schedule.ts";
import { systemClock } from "../platform/clock.ts";
import { CycleStateFile } from "../platform/state-file.ts";
import { sendCritical } from "./critical.ts";

const bad = (scenario: string): Batch => newBatch(scenario, 0n, 100, "normal", 1);

test("workers whose batches go bad side by side send one message; one that was not taken is tried by the next", async () => {
  const state = new CycleStateFile("nowhere", cycleState({ critical_sent_at: null }));
  const answers: PromiseWithResolvers<undefined>[] = [];
  const notify = (): Promise<void> => {
    const answer = Promise.withResolvers<undefined>();
    answers.push(answer);
    return answer.promise;
  };
  const metrics = new RecordingMetrics();
  const { signal } = new AbortController();
  const context = { clock: systemClock, log: memoryLog().log, metrics, notifier: { notify }, state, signal };
  const batches = ["baseline", "combined", "swizzle"].map(bad);
  const sent = batches.map((batch) => sendCritical(context, batch, 99));
  expect(answers).toHaveLength(1);
  answers[0]!.reject(new Error("SNS is away"));
  await Promise.all(sent);
  expect(state.get().critical_sent_at).toBeNull();

  const again = batches.map((batch) => sendCritical(context, batch, 99));
  expect(answers).toHaveLength(2);
  answers[1]!.resolve(undefined);
  await Promise.all(again);
  await sendCritical(context, bad("baseline"), 99);
  expect(answers).toHaveLength(2);
  expect(metrics.sums).toEqual({ CriticalSent: 1 });
});

test.each([
  ["half an hour ago", -1_800_000, 0],
  ["an hour ago", -3_600_000, 1],
  ["in two seconds, for the clock was set back a little", 2_000, 0],
  ["in a year, for the clock was wrong then", 365 * 86_400_000, 1],
])("the message before this one was sent %s", async (_when, fromNowMs, expected) => {
  const nowMs = Date.parse("2026-11-21T10:00:00.000Z");
  const sentAt = new Date(nowMs + fromNowMs).toISOString();
  const state = new CycleStateFile("nowhere", cycleState({ critical_sent_at: sentAt }));
  const metrics = new RecordingMetrics();
  const clock = { ...systemClock, nowMs: () => nowMs };
  const { signal } = new AbortController();
  const notifier = { notify: () => Promise.resolve() };
  await sendCritical({ clock, log: memoryLog().log, metrics, notifier, state, signal }, bad("baseline"), 99);
  expect(metrics.sums["CriticalSent"] ?? 0).toBe(expected);
});
