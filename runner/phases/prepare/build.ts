/** Runs the steps of a build: each in its folder, within its time, its whole output in the store. */
import { join } from "node:path";
import type { BuildStep } from "../../../contracts/profile/source.ts";
import { PROGRESS_INTERVAL_MS } from "../../../contracts/progress.ts";
import type { PrepareResult } from "../../../contracts/results.ts";
import { inconclusive, PASSED, type Judgement } from "../../../contracts/verdict.ts";
import { compilerErrorIn } from "../../tools/compiler-error.ts";
import { lastWords, runTool, type ToolOutput } from "../../tools/tool-run.ts";
import type { PhaseContext } from "../context.ts";
import { storeLog } from "../logs.ts";

export interface Built {
  readonly step: BuildStep;
  readonly result: PrepareResult["builds"][number];
  /** The commit's own fault, as far as can be told: its compiler said no, or never ended. */
  readonly isRed: boolean;
}

export interface BuildRun {
  readonly steps: readonly BuildStep[];
  /** For one step, asked when it begins. */
  readonly limitMs: () => number;
  /** Behind the names of steps in the keys of their logs. */
  readonly logSuffix: string;
  /** Whether the steps after this one are not worth their time. */
  readonly isEnough: (built: Built) => boolean;
  /** Makes room on the disk; false when there was none to make. */
  readonly makeRoom: () => Promise<boolean>;
}

/** Undefined when the runner was stopped under it. */
export async function runBuild(context: PhaseContext, run: BuildRun): Promise<Built[] | undefined> {
  const builds: Built[] = [];
  for (const step of run.steps) {
    let built = await runStep(context, step, run);
    // A disk that filled up while it was built is nobody's fault: once more, with room.
    if (built !== undefined && built.result.verdict !== "passed" && (await run.makeRoom()))
      built = await runStep(context, step, run);
    if (built === undefined) return undefined;
    builds.push(built);
    if (run.isEnough(built)) break;
  }
  return builds;
}

async function runStep(context: PhaseContext, step: BuildStep, run: BuildRun): Promise<Built | undefined> {
  context.live.activity = `building ${step.name}`;
  let saidMs = -Infinity;
  const output = await runTool(context.processes, {
    command: step.command,
    cwd: join(context.profile.work_tree, step.folder),
    env: step.environment,
    deadlineMs: Math.max(1, Math.min(step.deadline_seconds * 1000, run.limitMs())),
    signal: context.signal,
    watch: () => {
      const nowMs = context.clock.monotonicMs();
      if (nowMs - saidMs < PROGRESS_INTERVAL_MS) return;
      saidMs = nowMs;
      context.worked();
    },
  });
  if (output.end.ending === "stopped") return undefined;
  const judgement = judgeBuild(step, output);
  if (judgement.verdict === "passed") context.worked();
  return {
    step,
    result: {
      name: step.name,
      verdict: judgement.verdict,
      reason: judgement.reason,
      duration_seconds: output.end.durationMs / 1000,
      log_key: await storeLog(context, step.name + run.logSuffix, output.text),
    },
    isRed: judgement.verdict !== "passed" && ["exited", "deadline"].includes(output.end.ending),
  };
}

/** A build that fails shows no bug of what it would have built. */
function judgeBuild(step: BuildStep, { end, text }: ToolOutput): Judgement {
  if (end.ending === "exited" && end.exitCode === 0) return PASSED;
  const why = end.ending === "exited" ? compilerErrorIn(text) : lastWords(text);
  return inconclusive(`build ${step.name}: ${end.description}${why}`);
}
