/** Against an HTTP server that stands in for the instance metadata service. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { INSTANCE_ACTION, noticeIn, REBALANCE, startFakeImds, type FakeImds } from "../../test/fake-imds.ts";
import { memoryLog, type MemoryLog } from "../../test/memory-log.ts";
import { until } from "../../test/until.ts";
import { systemClock } from "./clock.ts";
import { noticeFrom, watchSpotNotice, type MachineWatch, type SpotNotice } from "./spot-notice.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

let imds: FakeImds;
let memory: MemoryLog;
let notices: SpotNotice[];
let watch: MachineWatch;
beforeEach(async () => {
  imds = await startFakeImds();
  memory = memoryLog();
  notices = [];
});
afterEach(async () => {
  await watch.stop();
  await imds.stop();
});

function start(env: NodeJS.ProcessEnv = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `${imds.endpoint}/` }): void {
  const onNotice = (notice: SpotNotice): void => void notices.push(notice);
  watch = watchSpotNotice({ env, clock: systemClock, log: memory.log, pollMs: 50, onNotice });
}
const asked = (): number => imds.asked.get(INSTANCE_ACTION) ?? 0;
const askedMoreThan = (times: number): Promise<void> => until("it is asked", () => asked() > times);

test("a notice is told once, with what and when; then nobody is asked any more", async () => {
  start();
  await watch.asked;
  await askedMoreThan(2);
  expect(notices).toEqual([]);
  const text = noticeIn(120_000);
  imds.answers.set(INSTANCE_ACTION, text);
  await until("the notice is told", () => notices.length > 0);
  expect(notices).toEqual([{ action: "stop", atMs: Date.parse((JSON.parse(text) as { time: string }).time) }]);
  const before = asked();
  await delay(200);
  expect(asked()).toBe(before);
});

test("a token that ran out is replaced, and a rebalance recommendation is only said, once", async () => {
  start();
  await askedMoreThan(1);
  imds.revokeTokens();
  const before = asked();
  imds.answers.set(REBALANCE, '{"noticeTime": "2026-11-21T12:00:00Z"}');
  await askedMoreThan(before + 2);
  const [away, back, ...more] = memory.lines;
  expect([away, back]).toEqual([
    "warn the instance metadata service cannot be asked for spot notices",
    "info the instance metadata service answers again",
  ]);
  // The two come again when this machine stands still for longer than an answer may take.
  expect(more.filter((line) => line !== away && line !== back)).toEqual([
    "warn EC2 recommends to leave this machine: its spot capacity is at risk",
  ]);
  expect(notices).toEqual([]);
});

test("away, or hanging: said once, asked on, no harm", async () => {
  start({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9" });
  await watch.asked;
  await delay(300);
  expect(memory.lines).toEqual(["warn the instance metadata service cannot be asked for spot notices"]);
  await watch.stop();
  imds.hang();
  start();
  await watch.asked; // a question has a limit of its own
  expect(memory.lines).toHaveLength(2);
});

test("switched off by the SDK's own variable", async () => {
  start({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.endpoint, AWS_EC2_METADATA_DISABLED: "TRUE" });
  await watch.asked;
  await delay(100);
  expect(asked()).toBe(0);
  expect(memory.lines).toEqual(["info the instance metadata service is switched off: no spot notice will be seen"]);
});

test.each([
  ["of now", '{"action": "stop", "time": "2026-11-21T12:02:00Z"}', { action: "stop", atMs: NOW + 120_000 }],
  [
    "just over",
    '{"action": "terminate", "time": "2026-11-21T11:55:00Z"}',
    { action: "terminate", atMs: NOW - 300_000 },
  ],
  ["of an earlier life", '{"action": "stop", "time": "2026-11-21T11:00:00Z"}', undefined],
  ["without a readable time", '{"action": "stop", "time": "soon"}', { action: "stop", atMs: NOW }],
])("a notice %s", (_name, text, expected) => {
  start({ AWS_EC2_METADATA_DISABLED: "true" });
  expect(noticeFrom(text, NOW)).toEqual(expected);
});
