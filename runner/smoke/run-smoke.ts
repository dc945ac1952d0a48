/** The smoke test of a profile: prepared as for a cycle, then a little of each workload. */
import { join } from "node:path";
import { WORKLOADS, type Workload } from "../../contracts/workloads.ts";
import type { PrepareResult } from "../../contracts/results.ts";
import { inconclusive } from "../../contracts/verdict.ts";
import { stateOfFirstCycle } from "../lone-phase.ts";
import { preparePhase } from "../phases/prepare/prepare.ts";
import type { RunnerDependencies } from "../platform/dependencies.ts";
import { CycleStateFile } from "../platform/state-file.ts";
import { smokeBenchmarks } from "./benchmarks.ts";
import { smokeFormalVerification } from "./formal-verification.ts";
import { smokeFuzz } from "./fuzz.ts";
import { shown, Smoke, type Shown, type SmokeOptions } from "./smoke.ts";
import { smokeVopr } from "./vopr.ts";

const SMOKE_OF: Readonly<Record<Workload, (smoke: Smoke) => Promise<void>>> = {
  vopr: smokeVopr,
  fuzz: smokeFuzz,
  "formal-verification": smokeFormalVerification,
  benchmarks: smokeBenchmarks,
};
/** What most depends on comes first. */
const ORDER = ["vopr", "fuzz", "formal-verification", "benchmarks"] as const satisfies readonly Workload[];

/** `dependencies`: of a state folder and a store that hold nothing, and are of no use afterwards. */
export async function runSmoke(
  dependencies: RunnerDependencies,
  options: SmokeOptions & { readonly only: readonly Workload[] },
): Promise<Smoke> {
  const { profile, limitMs, only } = options;
  const state = stateOfFirstCycle(dependencies, profile, limitMs);
  const file = new CycleStateFile(join(dependencies.stateFolder, "cycle.json"), state);
  const smoke = new Smoke(dependencies, options, file);
  const prepared = await prepare(smoke, new Set(WORKLOADS.filter((workload) => !only.includes(workload))));
  for (const workload of ORDER.filter((one) => only.includes(one))) {
    const cannot = prepared === undefined ? "nothing was prepared" : prepared.cannot_run[workload];
    if (cannot === undefined) await SMOKE_OF[workload](smoke);
    else await smoke.check(workload, "all of it", () => shown(inconclusive(cannot), "", SEE_PREPARE));
  }
  return smoke;
}

const SEE_PREPARE = "see prepare; its logs are kept with --keep";

async function prepare(smoke: Smoke, skipped: ReadonlySet<Workload>): Promise<PrepareResult | undefined> {
  const { repository, work_tree: folder } = smoke.profile;
  const prepared: { result: PrepareResult | undefined } = { result: undefined };
  const look = async (context: Parameters<typeof preparePhase>[0]): Promise<Shown> => {
    const result = (prepared.result = await preparePhase(context, { skipped, cycleLeftMs: () => smoke.leftMs() }));
    const hint = `what it needs: kimtest profile check ${smoke.profile.name}`;
    if (result === undefined) return shown(inconclusive("stopped"), "", hint);
    smoke.state.change((now) => ({ ...now, results: [result], git_commit: result.git_commit }));
    const source = repository === undefined ? folder : `${repository.url}, cloned and built in ${folder}`;
    return shown(result, `${result.git_commit} of ${source}`, hint);
  };
  await smoke.check("prepare", "commit and builds", look, smoke.leftMs());
  return prepared.result;
}
