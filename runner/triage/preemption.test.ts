import { expect, test } from "@jest/globals";
import { wasEndedFromOutside } from "./preemption.ts";

test.each([
  ["the runner was told to stop", "stopped", null, true, true],
  ["the time of the phase was up", "stopped", null, false, false],
  ["systemd, an operator", "killed", "SIGTERM", false, true],
  ["out of memory", "killed", "SIGKILL", false, true],
  ["power fails", "killed", "SIGPWR", false, true],
  ["a crash is its own", "killed", "SIGSEGV", true, false],
  ["so is an abort", "killed", "SIGABRT", false, false],
  ["it ended by itself, just before the stop", "exited", null, true, false],
  ["it hung", "stalled", "SIGKILL", false, false],
  ["it took too long", "deadline", "SIGTERM", false, false],
] as const)("%s", (_, ending, signal, isStopping, expected) => {
  expect(wasEndedFromOutside({ ending, signal }, isStopping)).toBe(expected);
});
