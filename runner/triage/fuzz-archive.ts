/** Archives one fuzz counterexample: `failures/fuzz/TARGET-TS.tar.gz`, with all that is needed to see it again. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { create } from "tar";
import { fuzzFailureKey } from "../../contracts/bucket.ts";
import type { Sighting } from "../../contracts/cycle.ts";
import type { FuzzFailure } from "../../contracts/failure.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { HeadAndTail } from "../platform/lines.ts";
import type { Outbox } from "../store/outbox.ts";
import { archiveIndexed } from "./failure-index.ts";
import type { Sightings } from "./sightings.ts";

/** Bytes of the program's output that are kept of its head, and again of its tail. */
const KEPT_LOG_BYTES = 1024 * 1024;

/** Identity of a bug: `what` is the same for each input that shows it. */
export const fuzzSignature = (target: string, what: string): string => `fuzz:${target}:${what}`;

/** What the cycle has seen of one target. */
export function sightingsOf(sightings: Sightings, target: string): Sighting[] {
  const prefix = fuzzSignature(target, "");
  return Object.values(sightings).filter(
    ({ workload, signature }) => workload === "fuzz" && signature.startsWith(prefix),
  );
}

/**
 * Returns the bucket key.
 *
 * @param log what the program printed
 * @param files further ones: where each is to be in the archive, and where it is now
 */
export async function archiveFuzzFailure(
  outbox: Outbox,
  failure: FuzzFailure,
  log: string,
  timestampMs: number,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const key = fuzzFailureKey(failure.target, timestampMs);
  const folder = await mkdtemp(join(tmpdir(), "kimtest-fuzz-"));
  try {
    const kept = new HeadAndTail(KEPT_LOG_BYTES);
    kept.push(Buffer.from(log));
    await writeFile(join(folder, "failure.json"), stringifyJson(failure));
    await writeFile(join(folder, "log.txt"), kept.toString());
    for (const [path, source] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await copyFile(source, join(folder, path));
    }
    const names = ["failure.json", "log.txt", ...Object.keys(files)];
    const archive = await buffer(create({ cwd: folder, gzip: true, portable: true }, names));
    await archiveIndexed(outbox, key, failure.signature, archive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return key;
}
