/**
 * Formal verification: whether the tool of each check is there for this machine, and whether the planted bug is
 * found. The proofs themselves take hours; an exploration takes seconds, and is run whole.
 */
import { join } from "node:path";
import type { ExploreProfile, ProofCheck, ProofsProfile } from "../../contracts/profile/formal-verification.ts";
import type { FormalVerificationResult } from "../../contracts/results.ts";
import { inconclusive } from "../../contracts/verdict.ts";
import type { PhaseContext } from "../phases/context.ts";
import { explorePhase } from "../phases/formal-verification/explore.ts";
import { judgeCanary, plantedCheck } from "../phases/formal-verification/proofs.ts";
import { readyFor, runCheck } from "../phases/formal-verification/run-check.ts";
import { ToolSupply } from "../phases/formal-verification/supply.ts";
import { isoAt } from "../platform/clock.ts";
import { isFolder } from "../platform/is-folder.ts";
import { programsOf } from "../profiles/requirements.ts";
import { askDaemon } from "../tools/docker.ts";
import { whyNotRunnable } from "../tools/tool-run.ts";
import { byHand, canaryShown, shown, type Shown, type Smoke } from "./smoke.ts";

const PART = "formal-verification";

export function smokeFormalVerification(smoke: Smoke): Promise<void> {
  const profile = smoke.profile.formal_verification;
  switch (profile.tool) {
    case "explore":
      return smokeExplore(smoke, profile);
    case "proofs":
      return smokeProofs(smoke, profile);
  }
}

async function smokeExplore(smoke: Smoke, profile: ExploreProfile): Promise<void> {
  const { canary } = profile;
  const hint = (extra: readonly string[]): string => byHand([...profile.command, ...profile.arguments, ...extra]);
  const explored: { result: FormalVerificationResult | undefined } = { result: undefined };
  await smoke.check(PART, "explore", async (context) => {
    const result = (explored.result = await explorePhase(context, profile));
    if (result === undefined) return shown(inconclusive("stopped"), "", hint([]));
    const states = Object.values(result.tools).map((one) => String(one.states));
    return shown(result, `${states.join(", ")} states, all of its scope`, hint([]));
  });
  // Explored beside it, as in a cycle.
  await smoke.check(PART, `canary ${canary.name}`, () => {
    const found = explored.result?.canary ?? undefined;
    const nothing = inconclusive("the exploration did not come to its end");
    return found === undefined
      ? shown(nothing, "", hint(canary.arguments))
      : canaryShown(found, hint(canary.arguments));
  });
}

async function smokeProofs(smoke: Smoke, profile: ProofsProfile): Promise<void> {
  const { checks, canary, images } = profile;
  // For the whole of it: an image is had once.
  const supply = await ToolSupply.open(smoke.context(smoke.leftMs()), profile);
  if (Object.keys(images).length > 0) {
    await smoke.check(PART, "docker", async ({ signal }) => {
      const daemon = await askDaemon(supply.docker, signal);
      return "problem" in daemon
        ? shown(inconclusive(daemon.problem), "", DOCKER_HINT)
        : { verdict: "passed", what: `its containers are ${daemon.platform}`, hint: null };
    });
  }
  for (const check of checks) {
    await smoke.check(PART, check.name, (context) => toolShown(context, profile, supply, check));
  }
  await smoke.check(PART, `canary ${canary.check.name}`, async (context) => {
    const planted = await plantedCheck(context, profile);
    const { result } = await runCheck(context, profile, supply, planted, context.leftMs());
    const at = isoAt(context.clock.nowMs());
    const hint = supplyHint(planted.check, profile) ?? checkHint(context.profile.name);
    return canaryShown(judgeCanary(result, canary.check.name, at), hint);
  });
}

/** Programs, folder, jar and image; the image is pulled or built as in a cycle, and stays in Docker. */
async function toolShown(
  context: PhaseContext,
  { images, downloads }: ProofsProfile,
  supply: ToolSupply,
  check: ProofCheck,
): Promise<Shown> {
  const { profile, toolchain } = context;
  const root = profile.work_tree;
  const programs = programsOf(check);
  const isForHere = check.architectures.some((one) => one === toolchain.architecture);
  for (const program of isForHere ? programs : []) {
    const missing = await whyNotRunnable(program, process.env["PATH"] ?? "", root);
    if (missing !== undefined) return shown(inconclusive(missing), "", checkHint(profile.name));
  }
  context.live.activity = `getting ${check.tool}`;
  const ready = await readyFor(context, supply, { check, root }, context.leftMs());
  if ("problem" in ready) {
    const isSupply = isForHere && (await isFolder(join(root, check.folder)));
    const hint = isSupply ? supplyHint(check, { images, downloads }) : undefined;
    return shown(inconclusive(ready.problem), "", hint ?? checkHint(profile.name));
  }
  const here = [...programs, ...(ready.supplied === "" ? [] : [ready.supplied])];
  return { verdict: "passed", what: `${check.tool} is there: ${here.join(", ")}`, hint: null };
}

const DOCKER_HINT = "install and start it: https://docs.docker.com/engine/install/ (may you use it? docker version)";
const checkHint = (profile: string): string =>
  `what its checks need: kimtest profile check ${profile}; kimtest profile show ${profile}`;

/** How a person gets what the check is supplied with; undefined when it is supplied with nothing. */
function supplyHint(
  check: ProofCheck,
  { images, downloads }: Pick<ProofsProfile, "images" | "downloads">,
): string | undefined {
  if ("jar" in check) return `can it be reached? curl -fIL ${downloads[check.jar]!.url}`;
  const source = "image" in check && check.image !== null ? images[check.image]!.source : undefined;
  if (source === undefined) return undefined;
  return byHand(source.from === "registry" ? ["docker", "pull", source.reference] : ["docker", "build", source.folder]);
}
