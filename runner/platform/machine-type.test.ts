import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { startFakeImds, type FakeImds } from "../../test/fake-imds.ts";
import { memoryLog } from "../../test/memory-log.ts";
import { systemClock } from "./clock.ts";
import { machineTypeOf } from "./machine-type.ts";

let imds: FakeImds;
beforeEach(async () => {
  imds = await startFakeImds();
});
afterEach(() => imds.stop());

const PATH = "/latest/meta-data/instance-type";

/** What is told, and what was logged. Pauses take no time. */
async function asked(env: NodeJS.ProcessEnv = {}, onPause: (ms: number) => unknown = () => undefined) {
  const { log, lines } = memoryLog();
  const clock = { ...systemClock, sleep: (ms: number) => Promise.resolve(void onPause(ms)) };
  const type = await machineTypeOf({
    env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.endpoint, ...env },
    clock,
    log,
    signal: new AbortController().signal,
  });
  return { type, logged: [...lines] };
}

test("the metadata service knows it", async () => {
  imds.answers.set(PATH, "c7g.xlarge\n");
  expect(await asked()).toStrictEqual({ type: "c7g.xlarge", logged: [] });
  expect(imds.asked.get(PATH)).toBe(1);
});

test("no name, a text that is none, and no answer, for which it is asked again: said, nothing is made up", async () => {
  const nothing = { type: null, logged: ["warn the machine type is not known: benchmarks go by the CPU's name"] };
  expect(await asked()).toStrictEqual(nothing);
  imds.answers.set(PATH, "<html>");
  expect(await asked()).toStrictEqual(nothing);
  expect(imds.asked.get(PATH)).toBe(2);
  const pauses: number[] = [];
  const nowhere = { AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1" };
  expect(await asked(nowhere, (ms) => pauses.push(ms))).toStrictEqual(nothing);
  expect(pauses).toStrictEqual([1_000, 1_000]);
});

test("switched off: not asked, nothing said", async () => {
  expect(await asked({ AWS_EC2_METADATA_DISABLED: "true" })).toStrictEqual({ type: null, logged: [] });
  expect(imds.asked.size).toBe(0);
});
