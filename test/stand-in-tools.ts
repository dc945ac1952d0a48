/**
 * Stand-ins for the proof tools: each prints what the real tool printed (test/fixtures/proofs/recorded) and ends as
 * it did. One that was recorded at its deadline goes on, as the tool did, until it is ended.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProofCheck } from "../contracts/profile/formal-verification.ts";
import { recorded } from "../runner/tools/recordings.fixture.ts";

/** Between what Alloy prints and the file that it writes. */
const RECEIPT = "\n--- receipt.json ---\n";

/** Writes the program into `folder` and returns its path. `name`: of the recording. */
export function standInTool(folder: string, name: string): string {
  const { text, end } = recorded(name);
  const [printed = "", receipt] = text.split(RECEIPT);
  const path = join(folder, name);
  writeFileSync(`${path}.printed`, `${printed}\n`);
  if (receipt !== undefined) writeFileSync(`${path}.receipt`, receipt);
  return program(path, [
    ...(receipt === undefined
      ? []
      : ['while [ "$1" != -o ]; do shift; done', `mkdir -p "$2" && cp '${path}.receipt' "$2/receipt.json"`]),
    `cat '${path}.printed'`,
    end.ending === "deadline" ? "exec sleep 300" : `exit ${String(end.exitCode)}`,
  ]);
}

/** A check of ivy/good.ivy that wants three answers; `change`: what another one has instead. */
export function ivyCheck(name: string, change: Partial<Extract<ProofCheck, { tool: "ivy" }>> = {}): ProofCheck {
  return {
    tool: "ivy",
    name,
    folder: "test/fixtures/proofs/ivy",
    deadline_seconds: 60,
    architectures: ["x64", "arm64"],
    image: null,
    program: ["ivy_check"],
    specification: "good.ivy",
    arguments: [],
    expected_checks: 3,
    ...change,
  };
}

/** A program of one's own: lines of a shell script. Returns the path. */
export function program(path: string, lines: readonly string[]): string {
  writeFileSync(path, `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
  return path;
}
