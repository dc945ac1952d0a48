/**
 * Canaries: bugs planted on purpose. A simulator that does not find them proves nothing when it is green.
 * Each is one flag, read at one place of the code under test.
 */
import { KimtestError } from "../contracts/errors.ts";
import { NO_BUGS, type PlantedBugs } from "./vsr/state.ts";

interface Canary {
  readonly name: string;
  readonly description: string;
  readonly bugs: PlantedBugs;
}

export const CANARIES: readonly Canary[] = [
  {
    name: "skip-fsync",
    description: "entries are acknowledged when they are written, without an fsync",
    bugs: { ...NO_BUGS, skipFsync: true },
  },
];

/** @throws KimtestError `USAGE` for a name that is none. */
export function canaryNamed(name: string): Canary {
  const canary = CANARIES.find((candidate) => candidate.name === name);
  if (canary === undefined) {
    throw new KimtestError("USAGE", `there is no canary "${name}"`, {
      hint: `canaries: ${CANARIES.map((candidate) => candidate.name).join(", ")}`,
    });
  }
  return canary;
}
