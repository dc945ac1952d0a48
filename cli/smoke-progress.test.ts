import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "@jest/globals";
import { Chalk } from "chalk";
import type { RunningCheck } from "../runner/smoke/smoke.ts";
import { fakeDeps } from "./fake-deps.fixture.ts";
import { openSmokeProgress, type SmokeProgress } from "./smoke-progress.ts";

const HOSTILE = "boom\u001b[2J\u009b31m\nfuzz one passed";
const running: RunningCheck = { part: "vopr", name: "baseline", activity: () => HOSTILE };
const check = {
  part: "vopr",
  name: "baseline",
  verdict: "inconclusive",
  what: HOSTILE,
  seconds: 1.25,
  hint: null,
} as const;

function story(progress: SmokeProgress): void {
  progress.began(running);
  progress.warning(HOSTILE);
  progress.ended(check, running);
  const other = { ...running, name: "combined" };
  progress.began(other);
  progress.ended({ ...check, name: "combined", verdict: "passed", what: "5 seeds passed" }, other);
  progress.close();
  progress.close();
}

test("plain: a line when a check begins, one when it ended, and the reason of one that did not pass", async () => {
  const { deps, ran } = fakeDeps();
  story(await openSmokeProgress(deps));
  expect(ran).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: [
      "vopr baseline …",
      "warning: boom\\u{1b}[2J\\u{9b}31m fuzz one passed",
      "vopr baseline inconclusive in 1.3 s: boom\\u{1b}[2J\\u{9b}31m fuzz one passed",
      "vopr combined …",
      "vopr combined passed in 1.3 s",
      "",
    ].join("\n"),
  });
});

test("a terminal: what runs and how many ended, redrawn; what did not pass stays", async () => {
  const screen = Object.assign(new PassThrough(), { isTTY: true, columns: 200, rows: 24 });
  const { deps, ran } = fakeDeps({ screen, colours: () => Promise.resolve(new Chalk({ level: 1 })) });
  story(await openSmokeProgress(deps));
  screen.end();
  const drawn = (await screen.toArray()).join("");
  expect([ran.stdout, ran.stderr]).toEqual(["", ""]);
  const lines = stripVTControlCharacters(drawn).split("\n");
  expect(lines).toContain("● vopr baseline 0 s, boom\\u{1b}[2J\\u{9b}31m fuzz one passed");
  expect(lines).toContain("● vopr baseline inconclusive: boom\\u{1b}[2J\\u{9b}31m fuzz one passed");
  expect(lines).toContain("1 check passed, 0 failed, 1 inconclusive");
  expect(drawn).not.toContain(HOSTILE);
});
