/**
 * What to copy where so that a fuzz corpus lives on in the store: pure plans over names and content hashes.
 *
 * A corpus never shrinks by accident. Restoring and saving only ever add; nothing is taken away because it
 * is missing on the other side (a disk that was lost, a restore that was cut). Only minimising removes, and
 * only what was merged, after a backup, when the smaller corpus was shown to reach as much.
 */

/** An input on disk or in the store. Its name there is its content hash, so equal names are equal inputs. */
export interface CorpusInput {
  /** SHA-1 in hex, as libFuzzer names its inputs. */
  readonly hash: string;
  readonly bytes: number;
}

/** Bytes above which an input stays on disk: the store is not for what no fuzzer should need. */
export const MAX_INPUT_BYTES = 1024 * 1024;

export interface RestorePlan {
  /** Smallest first: should the time run out, most inputs are there. */
  readonly download: readonly CorpusInput[];
  readonly alreadyThere: number;
}

export function planRestore(local: readonly CorpusInput[], stored: readonly CorpusInput[]): RestorePlan {
  const here = new Set(local.map(({ hash }) => hash));
  const download = unique(stored).filter(({ hash }) => !here.has(hash));
  return { download: bySize(download), alreadyThere: unique(stored).length - download.length };
}

export interface SavePlan {
  readonly upload: readonly CorpusInput[];
  readonly alreadyThere: number;
  /** Too large for the store; they stay on disk. */
  readonly tooLarge: readonly CorpusInput[];
}

/** What is in the store alone stays there. */
export function planSave(local: readonly CorpusInput[], stored: readonly CorpusInput[]): SavePlan {
  const there = new Set(stored.map(({ hash }) => hash));
  const missing = unique(local).filter(({ hash }) => !there.has(hash));
  return {
    upload: bySize(missing.filter(({ bytes }) => bytes <= MAX_INPUT_BYTES)),
    alreadyThere: unique(local).length - missing.length,
    tooLarge: missing.filter(({ bytes }) => bytes > MAX_INPUT_BYTES),
  };
}

export interface MergeEvidence {
  /** The merge came to its end. */
  readonly isComplete: boolean;
  /** What it read: taken when it began. */
  readonly merged: readonly CorpusInput[];
  /** What it kept. */
  readonly kept: readonly CorpusInput[];
  /** Features that the whole corpus reaches, and the kept part alone, both measured. */
  readonly featuresBefore: number;
  readonly featuresAfter: number;
}

export type MinimizePlan =
  | { readonly accepted: false; readonly reason: string }
  | {
      readonly accepted: true;
      /** Stored together under one new key, before anything is removed. */
      readonly backup: readonly CorpusInput[];
      /** In the store and not needed. */
      readonly remove: readonly CorpusInput[];
      /** Kept, but not in the store yet. */
      readonly upload: readonly CorpusInput[];
    };

/**
 * Removes from the store what the merge read and did not keep. Inputs that came into the store since then
 * (from another machine) were not merged and stay.
 */
export function planMinimize(stored: readonly CorpusInput[], evidence: MergeEvidence): MinimizePlan {
  const no = (reason: string): MinimizePlan => ({ accepted: false, reason });
  const { isComplete, merged, kept, featuresBefore, featuresAfter } = evidence;
  if (!isComplete) return no("the merge did not come to its end");
  if (kept.length === 0) return no("the merge kept nothing");
  if (featuresBefore === 0) return no("it was not measured what the corpus reaches");
  if (featuresAfter < featuresBefore) {
    return no(`the smaller corpus reaches ${String(featuresAfter)} features, not ${String(featuresBefore)}`);
  }
  const read = new Set(merged.map(({ hash }) => hash));
  const stranger = kept.find(({ hash }) => !read.has(hash));
  if (stranger !== undefined) return no(`it kept ${stranger.hash}, which it never read`);
  const needed = new Set(kept.map(({ hash }) => hash));
  const there = new Set(stored.map(({ hash }) => hash));
  const remove = unique(stored).filter(({ hash }) => read.has(hash) && !needed.has(hash));
  return {
    accepted: true,
    backup: remove,
    remove,
    upload: bySize(unique(kept).filter(({ hash }) => !there.has(hash))),
  };
}

const unique = (inputs: readonly CorpusInput[]): CorpusInput[] => [
  ...new Map(inputs.map((input) => [input.hash, input])).values(),
];

const bySize = (inputs: readonly CorpusInput[]): CorpusInput[] =>
  inputs.toSorted((a, b) => a.bytes - b.bytes || (a.hash < b.hash ? -1 : 1));
