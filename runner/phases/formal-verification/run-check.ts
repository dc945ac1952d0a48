/** One check: whether it can run here, what it needs, its tool, and the log that it left. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf } from "../../../contracts/errors.ts";
import type { ProofCheck, ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import type { ProofResult } from "../../../contracts/proofs.ts";
import { isFolder } from "../../platform/is-folder.ts";
import { runAlloy } from "../../tools/alloy.ts";
import { runCoq } from "../../tools/coq.ts";
import { containerName } from "../../tools/docker.ts";
import { runIvy } from "../../tools/ivy.ts";
import { runKani } from "../../tools/kani.ts";
import { inContainer, onThisMachine, type Launch } from "../../tools/launch.ts";
import { notRun, type ProofRun, type ToolLimits } from "../../tools/proof.ts";
import { runTlaps } from "../../tools/tlaps.ts";
import { runTlc } from "../../tools/tlc.ts";
import type { PhaseContext } from "../context.ts";
import { lineHeartbeat } from "../heartbeat.ts";
import { storeLog } from "../logs.ts";
import type { Supplied, ToolSupply } from "./supply.ts";
import { alloyOptions, kaniOptions, tlapsOptions, tlcOptions } from "./tool-options.ts";

/** Where a container sees the check's folder, read-only. */
export const FOLDER_INSIDE = "/source";

export interface CheckToRun {
  readonly check: ProofCheck;
  /** What the check's folder is relative to: the work tree, or the planted files. */
  readonly root: string;
  /** Names its log and its container. */
  readonly label: string;
}

export interface CheckRun {
  readonly result: ProofResult;
  readonly logKey: string | null;
}

/** The time that a check would use if it had all it wants, milliseconds; its image included. */
export function wantedMs(
  { toolchain }: Pick<PhaseContext, "toolchain">,
  supply: ToolSupply,
  check: ProofCheck,
): number {
  if (!runsOn(check, toolchain.architecture)) return 0;
  return check.deadline_seconds * 1000 + (imageOf(check) === null ? 0 : supply.imageWantsMs(imageOf(check)!));
}

/** `allottedMs`: for all of it, fetching its tool included. A stopped runner gives it an inconclusive result. */
export async function runCheck(
  context: PhaseContext,
  profile: ProofsProfile,
  supply: ToolSupply,
  { check, root, label }: CheckToRun,
  allottedMs: number,
): Promise<CheckRun> {
  const { clock } = context;
  const without = (reason: string, logKey: string | null = null): CheckRun => ({
    result: notRun({ tool: check.tool, subject: subjectOf(check), command: [] }, reason).result,
    logKey,
  });
  const endMs = clock.monotonicMs() + allottedMs;
  const leftMs = (): number => endMs - clock.monotonicMs();
  const ready = await readyFor(context, supply, { check, root }, leftMs());
  if ("problem" in ready) return without(ready.problem, ready.logKey);
  const ownMs = check.deadline_seconds * 1000;
  const grantedMs = Math.min(ownMs, leftMs());
  if (grantedMs <= 0) return without("no time of the phase was left for it once its tool was there");

  context.live.activity = `checking ${check.name} with ${check.tool}`;
  const limits: ToolLimits = { deadlineMs: grantedMs, signal: context.signal, watch: lineHeartbeat(context) };
  const image = imageOf(check);
  const container =
    image === null ? undefined : { image: ready.supplied, memory: profile.images[image]!.memory_mebibytes };
  const run = await runApart(
    context,
    { supply, check, label, folder: ready.folder, container },
    ready.supplied,
    limits,
  );
  if (typeof run === "string") return without(run);
  const logKey = run.log === "" ? null : await storeLog(context, label, run.log);
  return { result: withShare(run.result, grantedMs, ownMs), logKey };
}

/** `supplied`: the path of its jar, the id of its image, or nothing where it has neither. */
export type Ready =
  { readonly folder: string; readonly supplied: string } | { readonly problem: string; readonly logKey: string | null };

/** What a check needs before its tool can be started: had, or why it cannot be. */
export async function readyFor(
  { toolchain }: Pick<PhaseContext, "toolchain">,
  supply: ToolSupply,
  { check, root }: Pick<CheckToRun, "check" | "root">,
  leftMs: number,
): Promise<Ready> {
  const lacking = (problem: string): Ready => ({ problem, logKey: null });
  if (!runsOn(check, toolchain.architecture)) {
    return lacking(`not run on ${toolchain.architecture}: its profile allows ${check.architectures.join(", ")} only`);
  }
  const folder = join(root, check.folder);
  if (!(await isFolder(folder))) return lacking(`its folder ${check.folder} does not exist`);
  if (leftMs <= 0) return lacking("no time of the phase was left for it");
  const supplied = await suppliedTo(check, supply, leftMs);
  return "problem" in supplied ? supplied : { folder, supplied: supplied.found };
}

/** A check in which the runner itself fails (a full disk, say) is no reason to give up the others: returns why. */
async function runApart(
  context: PhaseContext,
  place: Omit<Place, "context" | "scratch">,
  jar: string,
  limits: ToolLimits,
): Promise<ProofRun | string> {
  try {
    const scratch = await mkdtemp(join(tmpdir(), "kimtest-check-"));
    try {
      return await runTool({ ...place, context, scratch }, jar, limits);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  } catch (error) {
    context.log.error({ check: place.check.name, error }, "the runner failed in a check");
    return `the runner failed in it: ${reasonOf(error)}`;
  }
}

const runsOn = ({ architectures }: ProofCheck, architecture: string): boolean =>
  architectures.some((one) => one === architecture);

const imageOf = (check: ProofCheck): string | null => ("image" in check ? check.image : null);

/** The jar of a tool that is one, the image of one that runs in a container; else nothing. */
async function suppliedTo(check: ProofCheck, supply: ToolSupply, leftMs: number): Promise<Supplied> {
  if ("jar" in check) return supply.file(check.jar, leftMs);
  const image = imageOf(check);
  return image === null ? { found: "" } : supply.image(image, leftMs);
}

interface Place {
  readonly context: PhaseContext;
  readonly supply: ToolSupply;
  readonly check: ProofCheck;
  readonly label: string;
  readonly folder: string;
  /** An empty folder that is removed afterwards. */
  readonly scratch: string;
  /** Undefined on the machine itself. */
  readonly container: { readonly image: string; readonly memory: number } | undefined;
}

/** `jar`: of the tools that are one. */
function runTool(place: Place, jar: string, limits: ToolLimits): Promise<ProofRun> {
  const { check, folder, container } = place;
  const { processes } = place.context;
  const folderInside = container === undefined ? folder : FOLDER_INSIDE;
  switch (check.tool) {
    case "tlc":
      return runTlc(processes, tlcOptions(check, folder, jar), limits);
    case "alloy":
      return runAlloy(processes, alloyOptions(check, folder, jar), limits);
    case "coq": {
      const { library, files, allowed_admitted: allowedAdmitted } = check;
      return runCoq(launchOf(place, limits), { folder, folderInside, library, files, allowedAdmitted });
    }
    case "ivy": {
      const { program, specification, arguments: extra, expected_checks: expectedChecks } = check;
      return runIvy(launchOf(place, limits), { program, specification, arguments: extra, expectedChecks });
    }
    case "tlaps":
      return runTlaps(launchOf(place, limits), tlapsOptions(check, folder, folderInside));
    case "kani":
      return runKani(launchOf(place, limits), kaniOptions(check));
  }
}

/** tlapm writes its cache where it was started: into a folder of its own, not into the checkout. */
function launchOf({ context, supply, check, label, folder, scratch, container }: Place, limits: ToolLimits): Launch {
  const writes = check.tool === "tlaps";
  if (container === undefined) return onThisMachine(context.processes, writes ? scratch : folder, limits);
  return inContainer(
    supply.docker,
    {
      name: containerName(supply.docker, context.state.get().cycle, label),
      image: container.image,
      platform: null,
      mounts: [{ source: folder, target: FOLDER_INSIDE, isReadOnly: true }],
      workingFolder: writes ? "/tmp" : FOLDER_INSIDE,
      entrypoint: null,
      memoryMebibytes: container.memory,
    },
    limits,
  );
}

/** As the adapters say it. */
function subjectOf(check: ProofCheck): string {
  switch (check.tool) {
    case "tlc":
      return `${check.specification} with ${check.configuration}`;
    case "alloy":
    case "ivy":
      return check.specification;
    case "coq":
      return check.files.join(" ");
    case "tlaps":
      return check.module;
    case "kani":
      return "workspace";
  }
}

/** Finding a file on the disk takes some of its time as well. */
const NOTABLE_MS = 1_000;

/** Says it when a run that ended at its deadline had less time than its profile gives it. */
function withShare(result: ProofResult, grantedMs: number, ownMs: number): ProofResult {
  const isCut = ownMs - grantedMs > NOTABLE_MS && result.duration_seconds * 1000 >= grantedMs;
  if (!isCut || result.verdict !== "inconclusive") return result;
  const share = `its share of the phase, of the ${String(ownMs / 1000)} s that it may take`;
  return { ...result, reason: `${result.reason ?? ""}, ${share}` };
}
