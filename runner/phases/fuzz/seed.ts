/** Seeds of fuzzers: the same for a cycle that is resumed, so that what an interrupted attempt found is found again. */
import { createHash } from "node:crypto";

/** `what`: the target, and where it is started several times which of them. 31 bits. */
export function seedOf(cycle: number, what: string): number {
  return (
    createHash("sha256")
      .update(`${String(cycle)} ${what}`)
      .digest()
      .readUInt32BE() >>> 1
  );
}
