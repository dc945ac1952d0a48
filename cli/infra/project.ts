/** The checkout that holds the Pulumi program: where it is and what it says that it needs. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { KimtestError } from "../../contracts/errors.ts";

export interface Project {
  readonly folder: string;
  /** As in Pulumi.yaml; configuration keys are `NAME:key`. */
  readonly name: string;
  /** Lowest version of the Pulumi CLI, from Pulumi.yaml; undefined when it names none. */
  readonly pulumiNeeded: string | undefined;
  /** Lowest version of Node.js, from package.json. */
  readonly nodeNeeded: string;
  readonly hasModules: boolean;
}

/** Looks for Pulumi.yaml in a folder and above it, as Pulumi itself does. @throws KimtestError `USAGE`. */
export function findProject(start: string): Project {
  const folder = [...ancestors(resolve(start))].find((one) => existsSync(join(one, "Pulumi.yaml")));
  if (folder === undefined) {
    throw new KimtestError("USAGE", `there is no Pulumi.yaml in ${resolve(start)} or above it`, {
      hint: "run it in a clone of the repository",
    });
  }
  const settings = readFileSync(join(folder, "Pulumi.yaml"), "utf8");
  const name = scalar(settings, "name");
  const { engines } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { engines?: { node?: string } };
  const nodeNeeded = lowestOf(engines?.node);
  if (name === undefined || nodeNeeded === undefined) {
    throw new KimtestError("BAD_INPUT", `${folder}: Pulumi.yaml has no name, or package.json no engines.node`, {
      hint: "run it in a clone of the repository",
    });
  }
  return {
    folder,
    name,
    pulumiNeeded: lowestOf(scalar(settings, "requiredPulumiVersion")),
    nodeNeeded,
    hasModules: ["pulumi", "aws"].every((part) =>
      existsSync(join(folder, "node_modules", "@pulumi", part, "package.json")),
    ),
  };
}

/** As `findProject`; undefined where there is none, or one that is no whole clone of ours. */
export function projectAt(start: string): Project | undefined {
  try {
    return findProject(start);
  } catch (error) {
    if (error instanceof KimtestError) return undefined;
    throw error;
  }
}

function* ancestors(folder: string): Generator<string> {
  yield folder;
  if (dirname(folder) !== folder) yield* ancestors(dirname(folder));
}

/** A plain top-level value of a YAML file: all that we need of it. */
function scalar(yaml: string, key: string): string | undefined {
  return new RegExp(`^${key}:[ \\t]*(["']?)([^"'#\\n]+?)\\1[ \\t]*(?:#.*)?$`, "m").exec(yaml)?.[2];
}

/** The 1.2.3 of ">=1.2.3"; other ranges are left to whoever enforces them. */
export function lowestOf(range: string | undefined): string | undefined {
  return /^>=\s*v?(\d+(?:\.\d+){0,2})/.exec(range ?? "")?.[1];
}

export function isAtLeast(version: string, needed: string): boolean {
  const parts = (text: string): number[] => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const [have, want] = [parts(version), parts(needed)];
  if (have.length === 0) return false;
  const index = [0, 1, 2].find((one) => (have[one] ?? 0) !== (want[one] ?? 0));
  return index === undefined || (have[index] ?? 0) > (want[index] ?? 0);
}
