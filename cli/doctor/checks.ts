/**
 * What `kimtest doctor` looks at, one check after the other as a person reads them; they run side by side.
 *
 * What only some commands need is a warning when it is missing. AWS is such a thing, unless a stack was asked for.
 */
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { reasonOf } from "../../contracts/errors.ts";
import type { DoctorCheck } from "../../contracts/reports.ts";
import { DEFAULT_STORE } from "../../contracts/defaults.ts";
import { readClockSkewMs } from "../aws/clock.ts";
import type { AwsTarget } from "../aws/client.ts";
import { readCaller, type Caller } from "../aws/identity.ts";
import { readDenied } from "../aws/permissions.ts";
import { readPluginVersion } from "../aws/session.ts";
import { findChosenStack, targetOf, type FoundStack } from "../aws/stack.ts";
import type { Chosen, Here } from "../choice.ts";
import { missingPulumi } from "../infra/prerequisites.ts";
import { isAtLeast, projectAt } from "../infra/project.ts";

export type Finding = Omit<DoctorCheck, "name">;

export interface Check {
  readonly name: string;
  /** Otherwise a fault is a warning. What it fails or times out with is a fault, too. */
  readonly isNeeded: boolean;
  readonly look: (stop: AbortSignal) => Promise<Finding> | Finding;
}

export interface Surroundings {
  readonly chosen: Chosen;
  readonly here: Here;
  readonly now: () => number;
}

/** As `engines.node` in package.json, which is not beside a bundled program; a test holds them together. */
export const NODE_NEEDED = "22.18";
const TOOL_MS = 8_000;
const WARN_FREE_BYTES = 2e9;
const MIN_FREE_BYTES = 200e6;
const WARN_SKEW_MS = 30_000;
/** Beyond it AWS refuses signatures. */
const MAX_SKEW_MS = 5 * 60_000;

export const ok = (what: string): Finding => ({ result: "ok", what, fix: null });
const warning = (what: string, fix: string): Finding => ({ result: "warning", what, fix });
const fault = (what: string, fix: string): Finding => ({ result: "fault", what, fix });

export function checksOf({ chosen, here, now }: Surroundings): Check[] {
  const isAws = chosen.stack !== undefined || chosen.results.kind === "stack" || isBucket(chosen);
  const aws = memoized(chosen, here);
  const local = (name: string, look: Check["look"]): Check => ({ name, isNeeded: true, look });
  const tool = (name: string, look: Check["look"]): Check => ({ name, isNeeded: false, look });
  const cloud = (name: string, look: Check["look"]): Check => ({ name, isNeeded: isAws, look });
  return [
    local("node", () => nodeFinding(process.version)),
    local("folder", () => folderFinding(here.folder)),
    tool("git", (stop) => toolFinding(["git", "--version"], "a project under test is a git checkout", GIT_FIX, stop)),
    tool("cargo", (stop) =>
      toolFinding(["cargo", "--version"], "the profile kimberlite builds with it", CARGO_FIX, stop),
    ),
    tool("docker", (stop) =>
      toolFinding(["docker", "version", "--format", "{{.Server.Version}}"], DOCKER_USE, DOCKER_FIX, stop),
    ),
    tool("pulumi", (stop) => pulumiFinding(here.folder, stop)),
    tool("session plugin", async (stop) => ok(await readPluginVersion(stop))),
    cloud("aws region", async () => regionFinding(await aws.target(), chosen)),
    cloud("aws credentials", async (stop) => ok((await aws.caller(stop)).arn)),
    cloud("aws clock", async (stop) => skewFinding(await readClockSkewMs(await aws.target(), now, stop))),
    cloud("stack", async (stop) => stackFinding(await aws.stack(stop))),
    cloud("permissions", async (stop) => permissionsFinding(aws, stop)),
  ];
}

const isBucket = ({ results }: Chosen): boolean => results.kind === "store" && results.store.value.startsWith("s3://");

interface Aws {
  readonly target: () => Promise<AwsTarget>;
  readonly caller: (stop: AbortSignal) => Promise<Caller>;
  readonly stack: (stop: AbortSignal) => Promise<FoundStack>;
}

/** Several checks need the same answer: it is asked for once. */
function memoized(chosen: Chosen, here: Here): Aws {
  let target: Promise<AwsTarget> | undefined;
  let caller: Promise<Caller> | undefined;
  let stack: Promise<FoundStack> | undefined;
  const readTarget = (): Promise<AwsTarget> => (target ??= targetOf(chosen));
  return {
    target: readTarget,
    caller: (stop) => (caller ??= readTarget().then((found) => readCaller(found, stop))),
    stack: (stop) => (stack ??= findChosenStack(chosen, stop, here)),
  };
}

export function nodeFinding(version: string): Finding {
  const needed = `${NODE_NEEDED} or later is needed`;
  return isAtLeast(version, NODE_NEEDED) ? ok(`${version} (${needed})`) : fault(`${version}, but ${needed}`, NODE_FIX);
}

const NODE_FIX = "install it: https://nodejs.org/en/download";
const GIT_FIX = "install it: https://git-scm.com/downloads";
const CARGO_FIX = "install it: https://rustup.rs";
const DOCKER_USE = "formal verification runs its tools in it";
const DOCKER_FIX =
  "install and start it: https://docs.docker.com/engine/install/ (and may you use it? `docker version`)";

/** What it prints first is its version. */
async function toolFinding(command: readonly string[], use: string, fix: string, stop: AbortSignal): Promise<Finding> {
  const [file = "", ...args] = command;
  const ran = await execa(file, args, { reject: false, timeout: TOOL_MS, cancelSignal: stop, stdin: "ignore" });
  if (ran.exitCode === 0) return ok(ran.stdout.split("\n")[0] ?? "");
  if (ran.code === "ENOENT" || ran.code === "EACCES") return warning(`there is no ${file} on PATH; ${use}`, fix);
  const said = `${ran.stderr}\n${ran.stdout}`.trim().split("\n")[0] ?? "";
  return warning(`${file} does not work (${said === "" ? (ran.shortMessage ?? "no answer") : said}); ${use}`, fix);
}

async function pulumiFinding(folder: string, stop: AbortSignal): Promise<Finding> {
  const project = projectAt(folder);
  if (project === undefined) return ok("not looked for: this is no clone of the repository, which deploying needs");
  const missing = await missingPulumi({ project, stack: "", env: {} }, stop);
  if (missing !== undefined) return warning(`${missing.what}; deploying needs it`, missing.remedy);
  return ok(`${project.pulumiNeeded ?? "any version"} or later`);
}

function folderFinding(folder: string): Finding {
  const wanted = dirname(resolve(folder, DEFAULT_STORE));
  const present = nearest(wanted);
  if (!statSync(present).isDirectory()) return fault(`${present} is no folder`, "move it away, or work elsewhere");
  try {
    accessSync(present, constants.W_OK | constants.X_OK);
  } catch (error) {
    return fault(`${present} cannot be written to: ${reasonOf(error)}`, "work in a folder of your own, or chmod it");
  }
  const { bavail, bsize } = statfsSync(present);
  return spaceFinding(wanted, bavail * bsize);
}

export function spaceFinding(folder: string, freeBytes: number): Finding {
  const what = `${folder}: ${(freeBytes / 1e9).toFixed(1)} GB free`;
  if (freeBytes < MIN_FREE_BYTES) return fault(what, "make room: a cycle cannot keep what it finds");
  return freeBytes < WARN_FREE_BYTES ? warning(what, "make room: a long cycle and its store need more") : ok(what);
}

/** The folder, or the first one above it that is there. */
const nearest = (folder: string): string =>
  existsSync(folder) || dirname(folder) === folder ? folder : nearest(join(folder, ".."));

function regionFinding({ region }: AwsTarget, { region: said }: Chosen): Finding {
  return ok(`${region} (${said?.by ?? "of the AWS profile, or for want of another"})`);
}

export function skewFinding(skewMs: number): Finding {
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  const what = `this machine is ${String(seconds)} s ${skewMs < 0 ? "behind" : "ahead of"} AWS`;
  const fix = "set the clock: sudo timedatectl set-ntp true (Linux), sudo sntp -sS time.apple.com (macOS)";
  if (Math.abs(skewMs) >= MAX_SKEW_MS) return fault(`${what}, which then refuses every request`, fix);
  return Math.abs(skewMs) >= WARN_SKEW_MS ? warning(what, fix) : ok(seconds <= 1 ? "as AWS's" : what);
}

const stackFinding = ({ parts, by }: FoundStack): Finding =>
  ok(`${parts.stack} in ${parts.region}, machine ${parts.instance_id} (${by})`);

async function permissionsFinding(aws: Aws, stop: AbortSignal): Promise<Finding> {
  const [caller, stack] = await Promise.all([aws.caller(stop), aws.stack(stop)]);
  if (caller.arn.endsWith(":root")) return warning("those of the account's root, which may do everything", ROOT_FIX);
  const { reading, managing } = await readDenied(caller, stack.parts, stack.target, stop);
  const fix = `ask for them: docs/deploy.md lists the permissions; who is asked for: ${caller.arn}`;
  if (reading.length > 0) return fault(`denied, and needed to read: ${[...reading, ...managing].join(", ")}`, fix);
  if (managing.length > 0) return warning(`denied, and needed to manage the machine: ${managing.join(", ")}`, fix);
  return ok("to read, and to manage the machine");
}

const ROOT_FIX =
  "use an identity of its own: https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html";
