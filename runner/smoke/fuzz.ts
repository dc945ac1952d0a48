/** Every fuzz target, built and run for a few seconds; and the planted bug. */
import { mkdir } from "node:fs/promises";
import type { CargoFuzzProfile, FastCheckProfile } from "../../contracts/profile/fuzz.ts";
import { inconclusive } from "../../contracts/verdict.ts";
import type { PhaseContext } from "../phases/context.ts";
import { askCargo, type Asked } from "../phases/fuzz/cargo-fuzz.ts";
import { fuzzOne, judgeCanary, judgeTarget } from "../phases/fuzz/fast-check.ts";
import { FuzzTarget } from "../phases/fuzz/fuzz-target.ts";
import { runPlanted } from "../phases/fuzz/planted.ts";
import { seedOf } from "../phases/fuzz/seed.ts";
import { storeLog } from "../phases/logs.ts";
import { isoAt } from "../platform/clock.ts";
import { artifactFolder } from "../platform/folders.ts";
import { eachOf } from "../platform/together.ts";
import { buildTarget, listCommand, planTargets, typedCommand, type CargoFuzz } from "../tools/cargo-fuzz.ts";
import { runFuzzTarget } from "../tools/fuzz-run.ts";
import { byHand, canaryShown, shown, type Shown, type Smoke } from "./smoke.ts";

const FAST_CHECK_MS = 500;
const FAST_CHECK_CANARY_MS = 1_000;
const CARGO_FUZZ_MS = 3_000;
/** How long a process may stay at one input beyond that. */
const OVERTIME_MS = 30_000;

export function smokeFuzz(smoke: Smoke): Promise<void> {
  const profile = smoke.profile.fuzz;
  switch (profile.tool) {
    case "fast-check":
      return smokeFastCheck(smoke, profile);
    case "cargo-fuzz":
      return smokeCargoFuzz(smoke, profile);
  }
}

async function smokeFastCheck(smoke: Smoke, profile: FastCheckProfile): Promise<void> {
  const { canary_target: canary, command } = profile;
  const hint = (target: string): string => byHand([...command, "--target", target, "--seconds", "1"]);
  await eachOf(profile.targets, smoke.options.workers, smoke.signal, (target) =>
    smoke.check("fuzz", target, async (context) => {
      const run = await fuzzOne(context, profile, target, FAST_CHECK_MS);
      return shown(judgeTarget(target, run), `${String(run.value?.executions ?? 0)} executions`, hint(target));
    }),
  );
  await smoke.check("fuzz", `canary ${canary}`, async (context) => {
    const run = await fuzzOne(context, profile, canary, FAST_CHECK_CANARY_MS);
    return canaryShown(judgeCanary(canary, run, isoAt(context.clock.nowMs())), hint(canary));
  });
}

/** One after the other: cargo builds one thing at a time. */
async function smokeCargoFuzz(smoke: Smoke, profile: CargoFuzzProfile): Promise<void> {
  const { canary, cargo, folder: fuzzFolder, targets, left_out: leftOut } = profile;
  const listHint = byHand(listCommand({ cargo, fuzzFolder }));
  const answer: { asked: Asked } = { asked: { problem: "cargo was not asked for its targets" } };
  await smoke.check("fuzz", "list of targets", async (context) => {
    const asked = (answer.asked = await askCargo(context, profile));
    if ("problem" in asked) return shown(inconclusive(asked.problem), "", listHint);
    const { forgotten } = planTargets(asked.listed, targets, leftOut);
    const nobody = forgotten.length === 0 ? "" : `; nobody fuzzes ${forgotten.join(", ")}`;
    return { verdict: "passed", what: `${String(asked.listed.length)} targets${nobody}`, hint: null };
  });
  const { asked } = answer;
  const each = (name: string, look: (context: PhaseContext, tool: CargoFuzz) => Promise<Shown> | Shown) =>
    smoke.check("fuzz", name, (context) =>
      "problem" in asked
        ? shown(inconclusive(asked.problem), "", "see the list of targets")
        : look(context, asked.tool),
    );
  await each(`canary ${canary.target}`, async (context, tool) => {
    const said = { compiling: () => undefined, worked: () => undefined };
    context.live.activity = "building and running the planted crash";
    return canaryShown(await runPlanted(context, profile, tool, said), TOOLCHAIN_HINT);
  });
  for (const target of targets) {
    await each(target, (context, tool) =>
      "listed" in asked && asked.listed.includes(target)
        ? targetShown(context, profile, tool, target)
        : shown(inconclusive("`cargo fuzz list` does not know it"), "", listHint),
    );
  }
}

const TOOLCHAIN_HINT = "is the toolchain whole? rustup toolchain list; cargo fuzz --version";

async function targetShown(
  context: PhaseContext,
  profile: CargoFuzzProfile,
  tool: CargoFuzz,
  name: string,
): Promise<Shown> {
  const { processes, signal, stateFolder, state, live } = context;
  const target = new FuzzTarget(context, profile, tool, name);
  live.activity = "building";
  const deadlineMs = Math.min(profile.build_deadline_seconds * 1_000, context.leftMs());
  const build = await buildTarget(processes, tool, name, { deadlineMs, signal });
  if (build.judgement.verdict !== "passed") {
    if (!signal.aborted) await storeLog(context, name, build.log);
    return shown(build.judgement, "", byHand(typedCommand(tool, "build", name)));
  }
  live.activity = "fuzzing";
  // Where the fuzzer writes; never the checkout's own inputs.
  await mkdir(target.corpus.folder, { recursive: true });
  const run = await runFuzzTarget(processes, {
    ...target.forOneInput,
    target: name,
    corpusFolders: await target.corpusFolders(),
    artifactFolder: artifactFolder(stateFolder, name),
    fuzzingMs: CARGO_FUZZ_MS,
    overtimeMs: OVERTIME_MS,
    seed: seedOf(state.get().cycle, name),
    arguments: [],
    signal,
  });
  if (run.judgement.verdict !== "passed" && !signal.aborted) await storeLog(context, name, run.log);
  const { executions, edges } = run.statistics;
  const seen = `built in ${(build.durationMs / 1_000).toFixed(1)} s; ${String(executions)} executions, ${String(edges)} edges`;
  return shown(run.judgement, seen, byHand(typedCommand(tool, "run", name)));
}
