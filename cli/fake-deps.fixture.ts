/** `kimtest` in this process, for tests: what it printed and its exit code. */
import { tmpdir } from "node:os";
import { Chalk } from "chalk";
import type { CliDeps } from "./deps.ts";
import { run } from "./run.ts";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One hour after the samples' instant. */
export const NOW_MS = Date.parse("2026-11-21T11:00:00.000Z");

export function fakeDeps(change: Partial<CliDeps> = {}) {
  const ran = { exitCode: 0, stdout: "", stderr: "" };
  const deps: CliDeps = {
    out: (text) => {
      ran.stdout += text;
    },
    err: (text) => {
      ran.stderr += text;
    },
    columns: 100,
    colours: () => Promise.resolve(new Chalk({ level: 0 })),
    screen: undefined,
    board: undefined,
    ask: undefined,
    now: () => NOW_MS,
    timeZone: "UTC",
    // Nothing of ours lies there or above it: no store, no kimtest.json, no Pulumi.yaml.
    here: { env: process.env, folder: tmpdir() },
    stop: new AbortController().signal,
    endWithin: () => undefined,
    setExitCode: (code) => {
      ran.exitCode = code;
    },
    ...change,
  };
  return { deps, ran };
}

export async function kimtest(argv: readonly string[], change: Partial<CliDeps> = {}): Promise<Ran> {
  const { deps, ran } = fakeDeps(change);
  await run(argv, deps);
  return ran;
}
