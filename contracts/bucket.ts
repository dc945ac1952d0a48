/**
 * The bucket layout: the one module that builds and parses keys.
 *
 * ```
 * checkpoints/latest.json                 progress over all cycles
 * checkpoints/daily/YYYY-MM-DD.json       a copy per day (UTC)
 * checkpoints/last-good.json              the newest commit of each branch that could be built
 * failures/vopr/seed-SEED-TS.json         one failing seed; TS in Unix milliseconds
 * failures/vopr/seed-SEED-TS.kmb          its bundle, where there is one
 * failures/fuzz/TARGET-TS.tar.gz          one counterexample
 * failure-index/begins-TS.json            failures of this instant and later are all in the index
 * failure-index/KIND/ORDER-FINDING-NAME.json   one failure, by time (see failureIndexKey)
 * digests/latest.json, digests/YYYY-MM-DD.json
 * signatures/known-failures.json          the registry
 * benchmarks/YYYY-MM-DD.json, benchmarks/baseline.json
 * formal-verification/YYYY-MM-DD.json
 * fuzz-corpus/TARGET/SHA1                 one input, named by its hash as libFuzzer does
 * fuzz-corpus/TARGET/backups/TS.tar.gz    what minimising took away
 * tools/SHA256/FILE                       copies of downloaded tools
 * runner/SHA256.tar.gz                    the runner as it is delivered to the instance
 * cycles/current.json                     state of the running cycle
 * cycles/NNNNNN/PHASE.json                result of each phase
 * cycles/NNNNNN/logs/PHASE/NAME.txt       what a build, a proof tool or a suite printed
 * cycles/NNNNNN/evidence/batch-TS-ATTEMPT-seed-SEED.json   raw output behind an inconclusive verdict
 * ```
 */
import { hash } from "node:crypto";
import { BUNDLE_EXTENSION } from "./bundle-file.ts";
import { KimtestError } from "./errors.ts";
import type { PhaseName } from "./parts.ts";
import { MAX_U64 } from "./u64.ts";

export const CHECKPOINT_KEY = "checkpoints/latest.json";
export const LAST_GOOD_KEY = "checkpoints/last-good.json";
export const DIGEST_KEY = "digests/latest.json";
export const BASELINE_KEY = "benchmarks/baseline.json";
export const REGISTRY_KEY = "signatures/known-failures.json";
export const CURRENT_CYCLE_KEY = "cycles/current.json";
export const FAILURES_PREFIX = "failures/";
const FAILURE_INDEX_PREFIX = "failure-index/";

export const RUNNER_PREFIX = "runner/";

/**
 * What expires, by prefix. Days and cycle numbers begin with a digit that `latest.json`, `baseline.json` and
 * `current.json` do not have, so no rule over these prefixes can reach those.
 */
export const EXPIRING_PREFIXES = {
  dailyCheckpoints: "checkpoints/daily/",
  dailyDigests: "digests/20",
  dailyBenchmarks: "benchmarks/20",
  dailyFormalVerification: "formal-verification/20",
  /** Results and evidence of each cycle; numbers have six digits. */
  cycles: "cycles/0",
} as const;

/** What the runner writes; bundles (`RUNNER_PREFIX`) are not among it. */
export const WRITTEN_PREFIXES = [
  "checkpoints/",
  FAILURES_PREFIX,
  FAILURE_INDEX_PREFIX,
  "digests/",
  "signatures/",
  "benchmarks/",
  "formal-verification/",
  "fuzz-corpus/",
  "tools/",
  "cycles/",
] as const;

export type FailureKind = "vopr" | "fuzz";

/** `YYYY-MM-DD` in UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

export const dailyCheckpointKey = (date: Date): string => `checkpoints/daily/${dayOf(date)}.json`;
export const dailyDigestKey = (date: Date): string => `digests/${dayOf(date)}.json`;
export const benchmarksKey = (date: Date): string => `benchmarks/${dayOf(date)}.json`;
/** The day of such a key, `YYYY-MM-DD`; undefined for any other key. */
export const dayOfBenchmarksKey = (key: string): string | undefined =>
  /^benchmarks\/(\d{4}-\d{2}-\d{2})\.json$/.exec(key)?.[1];
export const formalVerificationKey = (date: Date): string => `formal-verification/${dayOf(date)}.json`;
export const failuresPrefix = (kind: FailureKind): string => `${FAILURES_PREFIX}${kind}/`;

const cycleFolder = (cycle: number): string => `cycles/${String(cycle).padStart(6, "0")}`;
export const phaseResultKey = (cycle: number, phase: string): string => `${cycleFolder(cycle)}/${phase}.json`;
export const evidenceKey = (cycle: number, batchId: number, attempt: number, startingSeed: bigint): string =>
  `${cycleFolder(cycle)}/evidence/batch-${String(batchId)}-${String(attempt)}-seed-${startingSeed.toString()}.json`;

/** `name`: of a build step, a check, a suite or a target; letters, digits, `_`, `.` and `-`. */
export function logKey(cycle: number, phase: PhaseName, name: string): string {
  if (!LOG_NAME.test(name)) throw new KimtestError("BAD_INPUT", `"${name}" cannot be part of the key of a log`);
  return `${cycleFolder(cycle)}/logs/${phase}/${name}.txt`;
}
const LOG_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/** Inputs of one target. */
export const corpusPrefix = (target: string): string => `fuzz-corpus/${target}/`;
/** `sha1`: of the input's bytes, 40 hexadecimal digits. */
export const corpusInputKey = (target: string, sha1: string): string => `${corpusPrefix(target)}${sha1}`;
/** What `corpusInputKey` makes, as IAM matches it (`?` is one character): no backup is as long. */
export const CORPUS_INPUT_PATTERN = `fuzz-corpus/*/${"?".repeat(40)}`;
const CORPUS_INPUT = /^fuzz-corpus\/([A-Za-z0-9_][A-Za-z0-9_-]{0,99})\/([0-9a-f]{40})$/;

/** The target and the hash of a stored input; undefined for any other key. */
export function parseCorpusInputKey(key: string): { readonly target: string; readonly sha1: string } | undefined {
  const [, target, sha1] = CORPUS_INPUT.exec(key) ?? [];
  return target === undefined || sha1 === undefined ? undefined : { target, sha1 };
}

export const corpusBackupKey = (target: string, timestampMs: number): string =>
  `${corpusPrefix(target)}backups/${String(timestampMs)}.tar.gz`;
/** `sha256`: of the file, 64 hexadecimal digits; `file`: its plain name. */
export const toolCopyKey = (sha256: string, file: string): string => `tools/${sha256}/${file}`;

/** `sha256`: of the archive's bytes, 64 hexadecimal digits. */
export const bundleKey = (sha256: string): string => `${RUNNER_PREFIX}${sha256}.tar.gz`;

/** `timestampMs`: Unix milliseconds of the batch in which the seed failed. */
export function voprFailureKey(seed: bigint, timestampMs: number): string {
  return `${failuresPrefix("vopr")}seed-${seed.toString()}-${String(timestampMs)}.json`;
}

/** Of the bundle that lies beside the record of a failing seed. */
export const voprBundleKey = (recordKey: string): string =>
  `${recordKey.slice(0, -EXTENSION.vopr.length)}${BUNDLE_EXTENSION}`;

export function fuzzFailureKey(target: string, timestampMs: number): string {
  if (!FUZZ_TARGET.test(target)) {
    throw new KimtestError("BAD_INPUT", `fuzz target "${target}" cannot be part of a bucket key`, {
      hint: "use letters, digits, _ and - only, at most 100",
    });
  }
  return `${failuresPrefix("fuzz")}${target}-${String(timestampMs)}.tar.gz`;
}

/** A fuzz target's name becomes part of a key. */
export const FUZZ_TARGET = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/;
const VOPR_FAILURE = /^failures\/vopr\/seed-(\d{1,20})-(\d{10}|\d{13})\.json$/;
const FUZZ_FAILURE = /^failures\/fuzz\/([A-Za-z0-9_][A-Za-z0-9_-]{0,99})-(\d{10}|\d{13})\.tar\.gz$/;

export type FailureKey =
  | { readonly kind: "vopr"; readonly key: string; readonly seed: bigint; readonly at: Date }
  | { readonly kind: "fuzz"; readonly key: string; readonly target: string; readonly at: Date };

/** Ten digits are seconds (as the first infrastructure wrote them), thirteen are milliseconds. */
function instantOf(digits: string): Date {
  return new Date(digits.length === 10 ? Number(digits) * 1000 : Number(digits));
}

/** What a failure's key says; undefined for any other key. */
export function parseFailureKey(key: string): FailureKey | undefined {
  const vopr = VOPR_FAILURE.exec(key);
  if (vopr !== null) {
    const seed = BigInt(vopr[1]!);
    return seed > MAX_U64 ? undefined : { kind: "vopr", key, seed, at: instantOf(vopr[2]!) };
  }
  const fuzz = FUZZ_FAILURE.exec(key);
  if (fuzz !== null) return { kind: "fuzz", key, target: fuzz[1]!, at: instantOf(fuzz[2]!) };
  return undefined;
}

/**
 * The full key of a failure as people type it: `vopr/seed-1-1700000000.json` or with `failures/` in front.
 *
 * @throws KimtestError `USAGE` when it is no failure key.
 */
export function failureKeyFrom(typed: string): FailureKey {
  const parsed = parseFailureKey(typed.startsWith(FAILURES_PREFIX) ? typed : `${FAILURES_PREFIX}${typed}`);
  if (parsed === undefined) {
    throw new KimtestError("USAGE", `"${typed}" is not the key of a failure`, {
      hint: "keys look like vopr/seed-17-1700000000000.json; `kimtest list-failures` shows them",
    });
  }
  return parsed;
}

/** What people type in place of a signature, which may be a whole sentence: 12 hexadecimal digits. */
export const findingId = (signature: string): string => hash("sha256", signature, "hex").slice(0, 12);
export const FINDING_ID = /^[0-9a-f]{12}$/;

/**
 * Failures by time. Their own keys begin with a seed, and S3 lists in the order of keys: the newest of 100,000 would
 * be known only when all had been listed. ORDER is 13 digits that fall as time rises, so that the first page of a
 * listing holds the newest. FINDING is a `findingId`, NAME the failure's key without folder and extension.
 */
export function failureIndexKey(failure: FailureKey, finding: string): string {
  return `${failureIndexPrefix(failure.kind)}${orderOf(failure.at)}-${finding}-${nameOf(failure)}.json`;
}

export const failureIndexPrefix = (kind: FailureKind): string => `${FAILURE_INDEX_PREFIX}${kind}/`;

const LAST_INSTANT_MS = 9_999_999_999_999;
const orderOf = (at: Date): string => String(LAST_INSTANT_MS - at.getTime()).padStart(13, "0");

const EXTENSION: Readonly<Record<FailureKind, string>> = { vopr: ".json", fuzz: ".tar.gz" };
const nameOf = ({ kind, key }: FailureKey): string => key.slice(failuresPrefix(kind).length, -EXTENSION[kind].length);

export type IndexedFailure = FailureKey & { readonly finding: string };

const INDEXED = /^failure-index\/(vopr|fuzz)\/(\d{13})-([0-9a-f]{12})-([^/]+)\.json$/;

/** What an index key says; undefined for any other key, and for one whose parts contradict each other. */
export function parseFailureIndexKey(key: string): IndexedFailure | undefined {
  const [, kind, order, finding = "", name = ""] = INDEXED.exec(key) ?? [];
  if (kind !== "vopr" && kind !== "fuzz") return undefined;
  const failure = parseFailureKey(`${failuresPrefix(kind)}${name}${EXTENSION[kind]}`);
  return failure === undefined || orderOf(failure.at) !== order ? undefined : { ...failure, finding };
}

/** Written as each cycle begins; the earliest counts. What is older may have been archived without an index. */
export const failureIndexBeginsKey = (timestampMs: number): string =>
  `${FAILURE_INDEX_BEGINS_PREFIX}${String(timestampMs).padStart(13, "0")}.json`;
export const FAILURE_INDEX_BEGINS_PREFIX = `${FAILURE_INDEX_PREFIX}begins-`;

/** Unix milliseconds; undefined for any other key. */
export function parseFailureIndexBeginsKey(key: string): number | undefined {
  const digits = /^failure-index\/begins-(\d{13})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
