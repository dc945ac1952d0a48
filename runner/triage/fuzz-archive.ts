/** Archives one fuzz counterexample: `failures/fuzz/TARGET-TS.tar.gz` with the failure and the program's output. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { create } from "tar";
import { fuzzFailureKey } from "../../contracts/bucket.ts";
import type { FuzzFailure } from "../../contracts/failure.ts";
import { stringifyJson } from "../../contracts/json.ts";
import type { Outbox } from "../store/outbox.ts";
import { archiveIndexed } from "./failure-index.ts";

/** Returns the bucket key. `log`: what the program printed. */
export async function archiveFuzzFailure(
  outbox: Outbox,
  failure: FuzzFailure,
  log: string,
  timestampMs: number,
): Promise<string> {
  const key = fuzzFailureKey(failure.target, timestampMs);
  const folder = await mkdtemp(join(tmpdir(), "kimtest-fuzz-"));
  try {
    await writeFile(join(folder, "failure.json"), stringifyJson(failure));
    await writeFile(join(folder, "log.txt"), log);
    const archive = await buffer(create({ cwd: folder, gzip: true, portable: true }, ["failure.json", "log.txt"]));
    await archiveIndexed(outbox, key, failure.signature, archive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return key;
}
