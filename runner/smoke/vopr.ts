/** A few seeds of every scenario, read like any batch; once with the determinism check; and the planted bug. */
import type { Batch } from "../../contracts/checkpoint.ts";
import type { ScenarioProfile } from "../../contracts/profile/vopr.ts";
import { failed, inconclusive, PASSED, type Judgement } from "../../contracts/verdict.ts";
import type { PhaseContext } from "../phases/context.ts";
import { runCanary } from "../phases/vopr/canary.ts";
import { missingScenarios } from "../phases/vopr/result.ts";
import { runBatch, type BatchOutcome } from "../phases/vopr/run-batch.ts";
import { newBatch } from "../phases/vopr/schedule.ts";
import { eachOf } from "../platform/together.ts";
import { canaryCommand, reproCommand } from "../tools/vopr.ts";
import { byHand, canaryShown, shown, type Shown, type Smoke } from "./smoke.ts";

const SEEDS = 5;

export async function smokeVopr(smoke: Smoke): Promise<void> {
  const { signal, options, profile } = smoke;
  const { scenarios, canary, seed_offset: startingSeed } = profile.vopr;
  const missing = missingScenarios(smoke.state.get());
  const firstId = smoke.dependencies.clock.nowMs(); // it becomes part of the keys of failures
  await eachOf([...scenarios.entries()], options.workers, signal, ([index, scenario]) =>
    smoke.check("vopr", scenario.name, (context) =>
      missing.has(scenario.name)
        ? unknownScenario(scenario, profile.name)
        : batchShown(context, scenario, newBatch(scenario.name, startingSeed, SEEDS, "normal", firstId + index)),
    ),
  );
  // A scenario that must pass, as the profile's schema has it.
  const sample = scenarios.find(({ name }) => name === canary.scenario)!;
  await smoke.check("vopr", `determinism in ${sample.name}`, (context) =>
    batchShown(context, sample, newBatch(sample.name, startingSeed, SEEDS, "determinism", firstId + scenarios.length)),
  );
  await smoke.check("vopr", `canary ${canary.name}`, (context) => canaryLookedFor(context, options.workers));
}

async function batchShown(context: PhaseContext, scenario: ScenarioProfile, batch: Batch): Promise<Shown> {
  const outcome = await runBatch(context, {
    batch,
    scenario,
    expectedMs: context.leftMs(),
    signal: context.signal,
    onSeed: () => undefined,
  });
  const seed = outcome.failedSeeds[0] ?? outcome.suspect;
  const { repro } = reproCommand(context.profile.vopr, batch, seed);
  const came = scenario.expectation === "must-detect" ? "detected" : "passed";
  const seen = `${String(outcome.iterations)} seeds ${came}, and batch_complete says the same; ${outcome.description}`;
  return shown(judged(outcome, scenario), seen, `run it by hand, in the checkout: ${repro}`);
}

/** Of a scenario that must detect, a seed that passes is the failure. */
function judged(
  { judgement, failedSeeds, iterations, sightings }: BatchOutcome,
  { expectation }: ScenarioProfile,
): Judgement {
  if (judgement.verdict === "inconclusive") return judgement;
  if (failedSeeds.length === 0) return PASSED;
  const what = expectation === "must-detect" ? "were not detected" : "failed";
  const messages = Object.values(sightings).map(({ message }) => message);
  return failed(`${String(failedSeeds.length)} of ${String(iterations)} seeds ${what}: ${messages.join("; ")}`);
}

const unknownScenario = ({ name, listed_as: listedAs }: ScenarioProfile, profile: string): Shown => ({
  verdict: "inconclusive",
  what: `the simulator does not list a scenario ${listedAs ?? name}`,
  hint: `take it out of vopr.scenarios, or build a simulator that has it; the profile: kimtest profile show ${profile}`,
});

async function canaryLookedFor(context: PhaseContext, workers: number): Promise<Shown> {
  const { canary, seed_offset: startingSeed } = context.profile.vopr;
  const range = { startingSeed, iterations: canary.iterations };
  const hint = byHand(canaryCommand(context.profile.vopr, range));
  const result = await runCanary(context, workers);
  if (result === undefined) return shown(inconclusive("stopped"), "", hint);
  // Seeds without a verdict may be those that find it.
  const isWhole = result.found || result.runs === canary.iterations;
  return isWhole ? canaryShown(result, hint) : shown(inconclusive(result.reason ?? "no reason"), "", hint);
}
