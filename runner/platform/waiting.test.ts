/** What ends when something fails, and what is waited for how long. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { limited } from "./limited.ts";
import { together } from "./together.ts";

test("together: the first failure stops the others, and all have ended when it is thrown", async () => {
  const stop = new AbortController();
  let ended = 0;
  const patient = async (): Promise<void> => {
    while (!stop.signal.aborted) await delay(5);
    await delay(30);
    ended += 1;
  };
  const failing = async (): Promise<void> => {
    await delay(10);
    throw new Error("disk full");
  };
  const all = together([patient(), failing(), patient()], () => {
    stop.abort();
  });
  await expect(all).rejects.toThrow("disk full");
  expect(ended).toBe(2);
});

test("together: the values in order when nothing fails", async () => {
  const stop = (): void => {
    throw new Error("nobody failed");
  };
  await expect(together([delay(10, "a"), Promise.resolve("b")], stop)).resolves.toEqual(["a", "b"]);
});

test("limited: settles as the work does, or at the limit, or at a stop", async () => {
  const signal = new AbortController();
  await expect(limited(Promise.resolve(1), "reading", 50, signal.signal)).resolves.toBe(1);
  await expect(limited(Promise.reject(new Error("no")), "reading", 50, signal.signal)).rejects.toThrow("no");
  await expect(limited(delay(5_000, 1, { ref: false }), "reading", 20, signal.signal)).rejects.toMatchObject({
    code: "STORE_UNREACHABLE",
    message: "reading took longer than 0.02 s",
  });
  const stopped = limited(delay(5_000, 1, { ref: false }), "reading", 5_000, signal.signal);
  signal.abort();
  await expect(stopped).rejects.toMatchObject({ code: "INTERRUPTED" });
});
