/** What a deployment needs before it begins. Everything that is missing is found and said at once. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { shellQuoted } from "../../runner/tools/shell.ts";
import { readConfig, settingOf, type ConfigAnswer, type StackConfig } from "./outputs.ts";
import { isAtLeast } from "./project.ts";
import { read, type Answer, type Pulumi } from "./pulumi.ts";

export interface Missing {
  readonly what: string;
  /** To type, or to do. */
  readonly remedy: string;
}

export interface Found {
  readonly missing: readonly Missing[];
  /** The stack's settings; undefined where they could not be read. */
  readonly config: StackConfig | undefined;
  readonly hasStack: boolean;
}

export interface Probes {
  /** Rejects when AWS does not know us. */
  readonly identity: () => Promise<unknown>;
  readonly stop: AbortSignal;
}

const NODE_DEADLINE_MS = 10_000;
const INSTALL = "brew install pulumi/tap/pulumi, npm install --global pulumi, or https://www.pulumi.com/docs/install/";

export async function checkPrerequisites(pulumi: Pulumi, probes: Probes): Promise<Found> {
  const [cliMissing, node, identity] = await Promise.all([
    missingPulumi(pulumi, probes.stop),
    nodeVersion(pulumi),
    settled(probes.identity()),
  ]);
  // Each of these needs the one before it.
  const login =
    cliMissing === undefined ? missingLogin(await read(pulumi, ["whoami", "--json"], probes.stop)) : undefined;
  const answer = (cliMissing ?? login) ? undefined : await readConfig(pulumi, probes.stop);
  const missing = [
    cliMissing,
    login,
    missingNode(node, pulumi.project.nodeNeeded),
    pulumi.project.hasModules ? undefined : { what: "the packages of the Pulumi program", remedy: "npm ci" },
    identity === undefined ? undefined : missingIdentity(identity),
    answer === undefined ? undefined : missingStack(answer, pulumi),
    missingPassphrase(pulumi),
  ].filter((one) => one !== undefined);
  return {
    missing,
    config: answer?.kind === "read" ? answer.config : undefined,
    hasStack: answer?.kind !== "no-stack",
  };
}

/** The Pulumi CLI, as this checkout needs it. */
export async function missingPulumi(pulumi: Pulumi, stop: AbortSignal): Promise<Missing | undefined> {
  const answer = await read(pulumi, ["version"], stop);
  const needed = pulumi.project.pulumiNeeded;
  if (answer.exitCode !== 0) return { what: `the Pulumi CLI does not run: ${answer.reason}`, remedy: INSTALL };
  const version = answer.stdout.trim();
  if (needed === undefined || isAtLeast(version, needed)) return undefined;
  return { what: `the Pulumi CLI is ${version}, but must be ${needed} or later`, remedy: INSTALL };
}

function missingLogin(answer: Answer): Missing | undefined {
  if (answer.exitCode === 0) return undefined;
  return {
    what: `Pulumi has no place to keep the stack's state: ${answer.reason}`,
    remedy: "pulumi login (Pulumi Cloud), pulumi login s3://BUCKET, or pulumi login --local",
  };
}

function missingNode(version: string, needed: string): Missing | undefined {
  if (isAtLeast(version, needed)) return undefined;
  return {
    what: `the node on PATH, with which Pulumi runs the program, ${version === "" ? "does not run" : `is ${version}`}`,
    remedy: `it must be ${needed} or later; with \`npx just deploy-infra\` it is the one that npm ci installed`,
  };
}

function missingIdentity(error: unknown): Missing {
  const hint = error instanceof KimtestError ? error.hint : undefined;
  return {
    what: reasonOf(error),
    remedy: hint ?? "see https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-configure.html",
  };
}

function missingStack(answer: ConfigAnswer, pulumi: Pulumi): Missing | undefined {
  const stack = shellQuoted(pulumi.stack);
  const setEmail = `pulumi config set alertEmail YOU@YOUR.DOMAIN --stack ${stack}`;
  switch (answer.kind) {
    case "failed":
      return {
        what: `Pulumi cannot read stack ${pulumi.stack}: ${answer.reason}`,
        remedy: `pulumi config --stack ${stack}`,
      };
    case "no-stack":
      return {
        what: `there is no stack ${pulumi.stack}`,
        remedy: `pulumi stack init ${stack} (or the same command with --create), then ${setEmail}`,
      };
    case "read": {
      const email = settingOf(answer.config, pulumi.project.name, "alertEmail");
      if (email === undefined || email === "")
        return { what: "alertEmail, who gets digests and alarms, is not set", remedy: setEmail };
      return isPlaceholder(email)
        ? { what: `alertEmail is ${email}, which reaches nobody`, remedy: setEmail }
        : undefined;
    }
  }
}

/** Pulumi asks for it on a terminal, but each time anew, and not where an answer is read by a program. */
function missingPassphrase(pulumi: Pulumi): Missing | undefined {
  const settings = join(pulumi.project.folder, `Pulumi.${pulumi.stack.split("/").at(-1) ?? ""}.yaml`);
  const isInUse = existsSync(settings) && /^encryptionsalt:/m.test(readFileSync(settings, "utf8"));
  const isSet = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"].some((name) => name in process.env);
  if (!isInUse || isSet) return undefined;
  return {
    what: `the passphrase of stack ${pulumi.stack}`,
    remedy: "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it",
  };
}

/** Domains that belong to nobody: https://www.rfc-editor.org/rfc/rfc2606 */
const NOBODYS = /@(?:.*\.)?(?:example\.(?:com|net|org)|example|invalid|test|localhost)$/i;

export function isPlaceholder(email: string): boolean {
  return email !== "[secret]" && (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) || NOBODYS.test(email));
}

/** @throws KimtestError `USAGE` that lists all of it */
export function assertNothingMissing(missing: readonly Missing[], doing: string): void {
  if (missing.length === 0) return;
  const lines = missing.map(({ what, remedy }) => `- ${what}\n      ${remedy}`);
  throw new KimtestError("USAGE", `${doing}: ${counted(missing.length)} missing`, { hint: lines.join("\n  ") });
}

const counted = (count: number): string => (count === 1 ? "one thing is" : `${String(count)} things are`);

async function nodeVersion(pulumi: Pulumi): Promise<string> {
  const { exitCode, stdout } = await execa("node", ["--version"], {
    cwd: pulumi.project.folder,
    reject: false,
    timeout: NODE_DEADLINE_MS,
    stdin: "ignore",
  });
  return exitCode === 0 ? stdout.trim() : "";
}

/** The error, or undefined when all is well. */
async function settled(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}
