import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { Chalk } from "chalk";
import type { ProgressSnapshot } from "../runner/platform/progress.ts";
import { fakeDeps } from "./fake-deps.fixture.ts";
import { openSpectator, progressText, type ClosableSpectator } from "./spectator.ts";

const VIEW: ProgressSnapshot = {
  cycle: 3,
  phase: "vopr",
  phaseLeftMs: 61_200,
  cycleLeftMs: 63_000,
  iterations: 12_000,
  iterationsSeen: 12_345,
  iterationsPerSecond: 87.65,
  failures: 2,
  findings: 1,
  activity: "canary",
};
const HOSTILE = "boom\u001b[2J\u009b31m\ncycle 9 PASSED";

function story(spectator: ClosableSpectator): void {
  spectator.cycleStarted(3, false);
  spectator.phaseStarted("vopr", 63_000);
  spectator.progress(VIEW);
  spectator.warning(HOSTILE);
  spectator.phaseEnded("vopr", { verdict: "inconclusive", reason: HOSTILE }, 62_340);
  spectator.close();
  spectator.close();
}

test("phase, time left, iterations, sims/s, failures, findings", () => {
  expect(progressText(VIEW)).toBe("vopr                62 s left, 12,345 seeds, 87.7 sims/s, 2 failures, 1 findings");
  expect(progressText({ ...VIEW, phase: "fuzz", iterationsSeen: 0 })).toBe("fuzz                62 s left, 1 findings");
});

describe("plain lines", () => {
  test("a whole story, on stderr, with no escape in it", async () => {
    let nowMs = 0;
    const { deps, ran } = fakeDeps({ now: () => (nowMs += 11_000) });
    story(await openSpectator(deps));
    expect(ran).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: [
        "cycle 3 started",
        "vopr                started, 63 s planned",
        "vopr                62 s left, 12,345 seeds, 87.7 sims/s, 2 failures, 1 findings",
        "warning: boom\\u{1b}[2J\\u{9b}31m cycle 9 PASSED",
        "vopr                inconclusive in 62.3 s: boom\\u{1b}[2J\\u{9b}31m cycle 9 PASSED",
        "",
      ].join("\n"),
    });
  });

  test("progress every ten seconds at most", async () => {
    let nowMs = 0;
    const { deps, ran } = fakeDeps({ now: () => nowMs });
    const spectator = await openSpectator(deps);
    spectator.phaseStarted("vopr", 63_000);
    for (nowMs = 0; nowMs < 60_000; nowMs += 250) spectator.progress(VIEW);
    expect(ran.stderr.split("\n").filter((line) => line.includes(" left, "))).toHaveLength(5);
  });

  test("a resumed cycle says so", async () => {
    const { deps, ran } = fakeDeps();
    (await openSpectator(deps)).cycleStarted(3, true);
    expect(ran.stderr).toBe("cycle 3 resumed\n");
  });
});

describe("the block on a terminal", () => {
  /** What is on a screen of `columns` after the story, and all that was written. */
  async function shown(columns: number, level: 0 | 1): Promise<string> {
    const screen = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 24 });
    const { deps, ran } = fakeDeps({ screen, columns, colours: () => Promise.resolve(new Chalk({ level })) });
    story(await openSpectator(deps));
    expect(ran).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    screen.end();
    return (await screen.toArray()).join("");
  }
  /** Moves of the cursor, erasing and synchronised output: what log-update needs. */
  const MOVES = /\u001b\[(?:\d*[ABCDGK]|\?2026[hl]|\?25[hl])/g;

  test("is drawn over, and what stays is said once", async () => {
    const text = await shown(200, 0);
    expect(text.replace(MOVES, "").split("\n")).toEqual([
      "cycle 3 started",
      "vopr                63 s planned",
      "● vopr                62 s left, 12,345 seeds, 87.7 sims/s, 2 failures, 1 findings",
      "  canary, cycle 3 ends in 63 s",
      "warning: boom\\u{1b}[2J\\u{9b}31m cycle 9 PASSED",
      "● vopr                inconclusive in 62.3 s: boom\\u{1b}[2J\\u{9b}31m cycle 9 PASSED",
      "",
    ]);
    // The block of two lines (and the line below it) is erased before the warning.
    expect(text).toContain("\u001b[2K\u001b[1A\u001b[2K\u001b[1A\u001b[2K\u001b[Gwarning: ");
  });

  test("without colours no colour is written; with them the verdict has its own", async () => {
    expect(await shown(200, 0)).not.toMatch(/\u001b\[\d*m/);
    expect(await shown(200, 1)).toContain("\u001b[33m●\u001b[39m vopr                inconclusive");
  });

  test("a narrow terminal wraps, and the erased height follows", async () => {
    const text = await shown(40, 0);
    // 80 columns of progress in 3 lines, one of detail, one below.
    expect(text).toContain(`${"\u001b[2K\u001b[1A".repeat(4)}\u001b[2K\u001b[Gwarning: `);
    // A reason goes on under itself, at words.
    expect(text.replace(MOVES, "")).toContain("\n● vopr                inconclusive in\n    62.3 s: boom");
  });
});
