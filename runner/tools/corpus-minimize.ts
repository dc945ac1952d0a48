/**
 * Takes out of a corpus what is not needed for what it reaches: the one thing that ever removes an input.
 *
 * In this order, so that a kill at any point loses nothing: merge into a folder of its own; measure what is
 * left by merging it once more; store a backup of all that is to go and read it back; store what is kept; only
 * then remove, first from the store, then from the disk. A store that is away leaves everything as it is.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { create, Parser } from "tar";
import { corpusBackupKey } from "../../contracts/bucket.ts";
import { KimtestError } from "../../contracts/errors.ts";
import type { CorpusMinimized } from "../../contracts/results.ts";
import type { Processes } from "../platform/processes.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { FUZZ_ENVIRONMENT } from "./cargo-fuzz.ts";
import { planMinimize, type CorpusInput } from "./corpus-plan.ts";
import { CorpusSync } from "./corpus-sync.ts";
import { mergeCommand, mergeResult, type LibFuzzerOptions, type MergeResult } from "./libfuzzer.ts";
import { runTool } from "./tool-run.ts";

/** Below it a merge is not worth its time. */
export const MIN_INPUTS = 100;

/** When it has doubled. `afterLast`: what the last time left over; 0 or no number when nobody knows. */
export const isMinimizeDue = (inputs: number, afterLast: number): boolean =>
  inputs >= Math.max(MIN_INPUTS, 2 * (afterLast || 0));

export interface MinimizeOptions {
  readonly forOneInput: Pick<LibFuzzerOptions, "executable" | "timeoutSeconds" | "memoryMebibytes">;
  /** For both merges together. */
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * No process of the target may run meanwhile.
 *
 * @throws what the store throws; then nothing was removed, or only what is in the backup.
 */
export async function minimizeCorpus(
  processes: Processes,
  store: ObjectStore,
  corpus: CorpusSync,
  options: MinimizeOptions,
): Promise<CorpusMinimized> {
  // Asked first: without a store there is no backup, and the merge would be for nothing.
  const stored = await corpus.stored();
  const merged = await corpus.local();
  const scratch = await mkdtemp(join(dirname(corpus.folder), ".minimize-"));
  try {
    const kept = new CorpusSync(store, corpus.target, join(scratch, "kept"));
    const endMs = performance.now() + options.deadlineMs;
    const before = await merge(processes, options, kept.folder, corpus.folder, endMs);
    const after = await merge(processes, options, join(scratch, "again"), kept.folder, endMs);
    const evidence = {
      isComplete: before?.inputs === merged.length && after !== undefined,
      merged,
      kept: await kept.local(),
      featuresBefore: before?.features ?? 0,
      featuresAfter: after?.features ?? 0,
    };
    const plan = planMinimize(stored, evidence);
    const figures = {
      inputs_before: merged.length,
      inputs_after: plan.accepted ? evidence.kept.length : merged.length,
      features_before: evidence.featuresBefore,
      features_after: evidence.featuresAfter,
    };
    const untouched = (reason: string): CorpusMinimized => ({ ...figures, inputs_after: merged.length, reason });
    if (options.signal.aborted) return untouched("stopped with the runner");
    if (!plan.accepted) return untouched(plan.reason);

    const needed = new Set(evidence.kept.map(({ hash }) => hash));
    const dropped = merged.filter(({ hash }) => !needed.has(hash));
    if (dropped.length > 0) {
      await backUp(store, corpus, dropped, options.nowMs);
      const uploaded = await corpus.upload(plan.upload, options.signal);
      if (uploaded < plan.upload.length) return untouched("what is kept could not all be stored");
      await corpus.removeStored(plan.remove, options.signal);
      for (const { hash } of dropped) await rm(join(corpus.folder, hash), { force: true });
    }
    return { ...figures, reason: null };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function merge(
  processes: Processes,
  { forOneInput, signal }: MinimizeOptions,
  output: string,
  corpus: string,
  endMs: number,
): Promise<MergeResult | undefined> {
  await mkdir(output, { recursive: true });
  const cwd = dirname(output);
  const deadlineMs = Math.max(1, endMs - performance.now());
  const command = mergeCommand(forOneInput, output, corpus);
  // It keeps a control file where temporary files go, also when it is ended.
  return mergeResult(
    await runTool(processes, { command, cwd, env: { ...FUZZ_ENVIRONMENT, TMPDIR: cwd }, deadlineMs, signal }),
  );
}

/** @throws KimtestError `CORRUPT_DATA` when the store does not give back what it was given. */
async function backUp(
  store: ObjectStore,
  { target, folder }: CorpusSync,
  inputs: readonly CorpusInput[],
  nowMs: number,
): Promise<void> {
  const key = corpusBackupKey(target, nowMs);
  const names = inputs.map(({ hash }) => hash);
  const archive = create({ cwd: folder, gzip: true, portable: true }, names);
  await store.writeFrom(key, Readable.from(archive, { objectMode: false }));
  const there = new Map<string, number>();
  const opened = await store.openRead(key);
  if (opened !== undefined) {
    const parser = new Parser({
      onReadEntry(entry) {
        there.set(entry.path, entry.size);
        entry.resume();
      },
    });
    await pipeline(opened.stream, parser);
  }
  if (inputs.every(({ hash, bytes }) => there.get(hash) === bytes)) return;
  throw new KimtestError("CORRUPT_DATA", `${store.url}/${key} does not hold the inputs that were put into it`, {
    hint: "nothing was removed from the corpus",
  });
}
