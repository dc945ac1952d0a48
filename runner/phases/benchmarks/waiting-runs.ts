/**
 * Runs on their way into the history. Each is on the disk before the store is asked, and stays there until the store
 * has taken it: a file of a day holds the runs of several writers, so it is changed under a condition, which the
 * outbox cannot wait for.
 */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { benchmarkRunSchema, type BenchmarkRun } from "../../../contracts/benchmark-history.ts";
import { KimtestError, reasonOf } from "../../../contracts/errors.ts";
import { stringifyJson } from "../../../contracts/json.ts";
import { waitingRunsFolder } from "../../platform/folders.ts";
import { limited } from "../../platform/limited.ts";
import {
  ensureFolder,
  isTemporaryName,
  readFileIfPresent,
  removeFile,
  writeFileAtomic,
} from "../../store/atomic-file.ts";
import { decodeJson } from "../../store/read-json.ts";
import { addRun } from "../../triage/benchmark-store.ts";
import type { PhaseContext } from "../context.ts";

/** Older ones are given up, and that is said. */
const MAX_WAITING = 100;
const DELIVERY_LIMIT_MS = 60_000;

/** On the disk, durably; delivered by the next `deliverRuns`, in this cycle or a later one. */
export async function keepRun(context: PhaseContext, run: BenchmarkRun): Promise<void> {
  const folder = waitingRunsFolder(context.stateFolder);
  await ensureFolder(folder);
  await writeFileAtomic(join(folder, `${run.started_at.replaceAll(":", "")}.json`), stringifyJson(run));
}

/** Adds what waits to the history, oldest first. When the store cannot be asked the rest waits on, and that is said. */
export async function deliverRuns(context: PhaseContext): Promise<void> {
  const folder = waitingRunsFolder(context.stateFolder);
  await ensureFolder(folder);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json") && !isTemporaryName(name)).sort();
  for (const name of names.slice(0, -MAX_WAITING)) {
    context.warn(`more than ${String(MAX_WAITING)} benchmark runs wait for the store: the one of ${name} is given up`);
    await removeFile(join(folder, name));
  }
  for (const name of names.slice(-MAX_WAITING)) {
    const path = join(folder, name);
    const run = await readWaiting(context, path);
    if (run === undefined) continue;
    try {
      const adding = addRun(context.store, run);
      const damage = await limited(adding, "adding a benchmark run", DELIVERY_LIMIT_MS, context.signal);
      if (damage !== undefined) context.warn(damage);
    } catch (error) {
      if (!(error instanceof KimtestError)) throw error;
      if (error.code !== "LIMIT_EXCEEDED") {
        if (!context.signal.aborted)
          context.warn(`benchmark runs wait on this disk for the next cycle: ${reasonOf(error)}`);
        return;
      }
      context.warn(`a benchmark run is not kept in the history: ${reasonOf(error)}`);
    }
    await removeFile(path);
  }
}

/** A damaged one is moved aside, and that is said. */
async function readWaiting(context: PhaseContext, path: string): Promise<BenchmarkRun | undefined> {
  const file = await readFileIfPresent(path);
  if (file === undefined) return undefined;
  try {
    return decodeJson(file.toString("utf8"), path, benchmarkRunSchema);
  } catch (error) {
    await rename(path, `${path}.damaged`);
    context.warn(`a benchmark run that waited for the store was damaged, see ${path}.damaged: ${reasonOf(error)}`);
    return undefined;
  }
}
