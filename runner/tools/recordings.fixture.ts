/** What tools printed, recorded: see the README files under test/fixtures/. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../../contracts/verdict.ts";
import type { ProgramEnd } from "../platform/program-run.ts";
import type { ToolOutput } from "./tool-run.ts";

const FIXTURES = join(import.meta.dirname, "../../test/fixtures");

export const fixtureText = (path: string): string => readFileSync(join(FIXTURES, path), "utf8");

export const ended = (change: Partial<ProgramEnd> = {}): ProgramEnd => ({
  ending: "exited",
  exitCode: 0,
  signal: null,
  description: `exit code ${String(change.exitCode ?? 0)}`,
  stdout: "",
  stderr: "",
  durationMs: 1000,
  cpuMs: 900,
  ...change,
});

export const printed = (text: string, exitCode = 0): ToolOutput => ({ end: ended({ exitCode }), text });

export const DEADLINE: Partial<ProgramEnd> = {
  ending: "deadline",
  exitCode: null,
  description: "still running at its deadline of 600.0 s",
};

export interface Recording extends ToolOutput {
  /** What the recorder was told; a test says itself what it expects. */
  readonly verdict: Verdict;
  readonly reason: string | null;
}

/** From test/fixtures/proofs/recorded, by tools/record-proofs.ts. */
export function recorded(name: string): Recording {
  const { lines, end, ...rest } = JSON.parse(fixtureText(`proofs/recorded/${name}.json`)) as Omit<Recording, "text"> & {
    readonly lines: readonly string[];
  };
  return { ...rest, end: ended(end), text: lines.join("\n") };
}
