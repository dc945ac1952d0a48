/** Notes which commit the clone is at and what of it was built, so that a restart knows whether it can go on. */
import { join } from "node:path";
import { z } from "zod";
import type { CycleState } from "../../../contracts/cycle.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import { WORKLOADS, type Workload } from "../../../contracts/parts.ts";
import type { Profile } from "../../../contracts/profile.ts";
import type { BuildStep } from "../../../contracts/profile/source.ts";
import type { Processes } from "../../platform/processes.ts";
import { readFileIfPresent, removeFile, writeFileAtomic } from "../../store/atomic-file.ts";
import { checkedOut } from "../../tools/git.ts";

const builtSchema = z.object({ git_commit: z.string(), steps: z.array(z.string()) });

const pathOf = (stateFolder: string): string => join(stateFolder, "built.json");

/** `steps`: those that were run, whatever came of them. */
export const noteBuilt = (stateFolder: string, commit: string, steps: readonly string[]): Promise<void> =>
  writeFileAtomic(pathOf(stateFolder), stringifyJson({ git_commit: commit, steps }));

export const forgetBuilt = async (stateFolder: string): Promise<void> => {
  await removeFile(pathOf(stateFolder));
};

/** The steps that somebody needs who is not skipped. */
export function neededSteps(profile: Profile, skipped: ReadonlySet<Workload>): BuildStep[] {
  const isRun = (workload: Workload): boolean => WORKLOADS.includes(workload) && !skipped.has(workload);
  return (profile.build?.steps ?? []).filter(({ needed_by: by }) => by.some(isRun));
}

export interface Preparation {
  readonly stateFolder: string;
  readonly processes: Processes;
  readonly profile: Profile;
  readonly skipped: ReadonlySet<Workload>;
  readonly signal: AbortSignal;
}

/** Whether the cycle can go on with what is on this machine. Always, for a work tree that is somebody's own. */
export async function isStillPrepared(state: CycleState, preparation: Preparation): Promise<boolean> {
  const { stateFolder, processes, profile, skipped, signal } = preparation;
  const { repository, work_tree: folder } = profile;
  if (repository === undefined || state.git_commit === null) return true;
  const built = await readBuilt(stateFolder);
  if (built?.git_commit !== state.git_commit) return false;
  if (!neededSteps(profile, skipped).every(({ name }) => built.steps.includes(name))) return false;
  return (await checkedOut({ processes, folder, url: repository.url, signal })) === state.git_commit;
}

/** Undefined also when it cannot be read: then it is built again. */
async function readBuilt(stateFolder: string): Promise<z.infer<typeof builtSchema> | undefined> {
  const file = await readFileIfPresent(pathOf(stateFolder));
  if (file === undefined) return undefined;
  try {
    return builtSchema.parse(JSON.parse(file.toString("utf8")));
  } catch {
    return undefined;
  }
}
