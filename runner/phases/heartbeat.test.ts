import { expect, test } from "@jest/globals";
import type { Clock } from "../platform/clock.ts";
import { lineHeartbeat } from "./heartbeat.ts";

test("lines are work once a minute, and not when they only repeat each other", () => {
  let nowMs = 0;
  let beats = 0;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() };
  const watch = lineHeartbeat({ clock, worked: () => (beats += 1) });
  const lines: [atMs: number, line: string, beats: number][] = [
    [1_000, "started", 0],
    [59_999, "1 state", 0],
    [60_000, "2 states", 1],
    [119_999, "3 states", 1],
    [130_000, "3 states", 1],
    [131_000, "4 states", 2],
  ];
  for (const [atMs, line, expected] of lines) {
    nowMs = atMs;
    watch(line);
    expect([atMs, beats]).toEqual([atMs, expected]);
  }
});
