/** The canary of cargo-fuzz: a crate with a planted crash, built and run with the same toolchain. It must crash. */
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { CargoFuzzProfile } from "../../../contracts/profile/fuzz.ts";
import { isoAt } from "../../platform/clock.ts";
import { plantedFolder } from "../../platform/folders.ts";
import { writeFileAtomic } from "../../store/atomic-file.ts";
import { buildTarget, executableOf, type CargoFuzz } from "../../tools/cargo-fuzz.ts";
import { runFuzzTarget } from "../../tools/fuzz-run.ts";
import { commitOf, type PhaseContext } from "../context.ts";
import { storeLog } from "../logs.ts";
import { seedOf } from "./seed.ts";

const NAME = "planted-crash";
/** No target has a dot in its name. */
const LOG_NAME = "canary.build";

/** `said`: called for lines of the build, and for executions. What it returns under a stop does not count. */
export async function runPlanted(
  context: PhaseContext,
  profile: CargoFuzzProfile,
  tool: CargoFuzz,
  said: { readonly compiling: (line: string) => void; readonly worked: () => void },
): Promise<CanaryResult> {
  const { canary, build_deadline_seconds: buildSeconds } = profile;
  const { processes, signal } = context;
  const folder = plantedFolder(context.stateFolder, "fuzz");
  const crate = join(folder, "crate");
  for (const [path, text] of Object.entries(canary.files)) {
    await mkdir(dirname(join(crate, path)), { recursive: true });
    await writeFileAtomic(join(crate, path), text);
  }
  const planted = { ...tool, folder: crate, fuzzFolder: canary.folder, buildFolder: join(folder, "build") };
  const deadlineMs = Math.max(1, Math.min(buildSeconds * 1000, context.leftMs()));
  const build = await buildTarget(processes, planted, canary.target, { deadlineMs, signal, watch: said.compiling });
  if (build.judgement.verdict !== "passed") {
    const key = signal.aborted ? "" : `, see ${await storeLog(context, LOG_NAME, build.log)}`;
    return result(context, 0, 0, `${build.judgement.reason ?? "it was not built"}${key}`);
  }
  const artifacts = join(folder, "artifacts");
  await rm(artifacts, { recursive: true, force: true });
  const run = await runFuzzTarget(processes, {
    executable: executableOf(planted, canary.target),
    target: canary.target,
    corpusFolders: [],
    artifactFolder: artifacts,
    fuzzingMs: Math.max(1_000, Math.min(canary.seconds * 1000, context.leftMs())),
    maxStarts: 1,
    timeoutSeconds: profile.timeout_seconds,
    memoryMebibytes: profile.memory_mebibytes,
    seed: seedOf(context.state.get().cycle, `${canary.target} ${commitOf(context.state.get())}`),
    arguments: [],
    signal,
    onProgress: said.worked,
  });
  const { executions } = run.statistics;
  const reason = run.problem ?? `not in ${String(executions)} executions`;
  return result(context, run.failures, executions, reason);
}

export function notRun(context: PhaseContext, reason: string): CanaryResult {
  return result(context, 0, 0, reason);
}

/** `reason`: why it was not found, if it was not. */
function result(context: PhaseContext, foundIn: number, runs: number, reason: string): CanaryResult {
  return {
    canary: NAME,
    found: foundIn > 0,
    found_in: foundIn,
    // An input that fails is not among the executions that were reported before it.
    runs: Math.max(runs, foundIn),
    at: isoAt(context.clock.nowMs()),
    reason: foundIn > 0 ? null : reason,
  };
}
