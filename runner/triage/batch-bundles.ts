/**
 * The bundles that the program writes in one batch: which file is of which failing seed, and how many are kept.
 *
 * The program has a folder for itself and writes a seed's bundle, whole, before the seed's line. So a bundle is looked
 * for when its line is read, archived before the record that names it, and removed from the disk: the folder holds no
 * more than what the program is ahead. Whatever is wrong with a bundle is a reason in the record, and no more than that.
 */
import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLE_EXTENSION } from "../../contracts/bundle-file.ts";
import { bundleIdentitySchema, decodeBundleAs, type BundleIdentity } from "../../contracts/bundle.ts";
import type { Batch } from "../../contracts/checkpoint.ts";
import { reasonOf } from "../../contracts/errors.ts";
import { bundleArguments, type Expectation, type VoprProfile } from "../../contracts/profile/vopr.ts";
import { readFileIfPresent } from "../store/atomic-file.ts";

/** Bundles of the embedded simulator have up to a few dozen kilobytes. */
const MAX_BUNDLE_BYTES = 4 * 1024 * 1024;
const MAX_CONTENT_BYTES = 32 * 1024 * 1024;
/** Of all that are kept of one batch. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

export type TakenBundle =
  | { readonly bytes: Buffer; readonly reason: null }
  /** `isExpected`: there should have been one. */
  | { readonly bytes: null; readonly reason: string | null; readonly isExpected: boolean };

export interface BatchBundles {
  /** Flags with which the program writes them. */
  readonly arguments: readonly string[];
  /** To be called for each failing seed in the order of their lines. Never rejects. */
  take(seed: bigint, invariant: string): Promise<TakenBundle>;
  /** Frees the disk. */
  remove(): Promise<void>;
}

export interface BundleRequest {
  readonly profile: VoprProfile;
  readonly batch: Batch;
  readonly expectation: Expectation;
  /** The commit under test. */
  readonly commit: string;
  /** Of this batch alone. */
  readonly folder: string;
}

/** With an empty folder, where the profile asks for bundles. Never rejects. */
export async function openBatchBundles(request: BundleRequest): Promise<BatchBundles> {
  const { folder, expectation } = request;
  const { bundles } = request.profile;
  if (bundles === undefined) return without(null, false);
  if (expectation === "must-detect") {
    return without("a scenario that must detect writes none: its seeds fail by design", false);
  }
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  } catch (error) {
    return without(`there is no folder for it: ${reasonOf(error)}`, true);
  }
  return new BundleFolder(request, bundles.per_signature, bundleArguments(bundles, folder));
}

function without(reason: string | null, isExpected: boolean): BatchBundles {
  return {
    arguments: [],
    take: () => Promise.resolve(none(reason, isExpected)),
    remove: () => Promise.resolve(),
  };
}

interface Found {
  readonly name: string;
  readonly bytes: Buffer;
  readonly identity: BundleIdentity;
}

class BundleFolder implements BatchBundles {
  readonly arguments: readonly string[];
  readonly #request: BundleRequest;
  readonly #perSignature: number;
  /** How many seeds failed, by invariant. */
  readonly #failed = new Map<string, number>();
  /** Files of seeds whose lines are still to come. */
  readonly #ahead = new Map<string, bigint>();
  /** The last file that is of no use to anybody. */
  #stray: string | undefined;
  #keptBytes = 0;

  constructor(request: BundleRequest, perSignature: number, programArguments: readonly string[]) {
    this.#request = request;
    this.#perSignature = perSignature;
    this.arguments = programArguments;
  }

  async take(seed: bigint, invariant: string): Promise<TakenBundle> {
    const failed = (this.#failed.get(invariant) ?? 0) + 1;
    this.#failed.set(invariant, failed);
    let found: Found | undefined;
    try {
      found = await this.#sweep(seed);
    } catch (error) {
      return none(`its folder cannot be read: ${reasonOf(error)}`, true);
    }
    if (failed > this.#perSignature) {
      return none(`of a batch, the first ${String(this.#perSignature)} seeds of a signature have one`, false);
    }
    const fault = this.#faultOf(found, invariant);
    if (found === undefined || fault !== undefined) return none(fault ?? "", true);
    this.#keptBytes += found.bytes.length;
    return { bytes: found.bytes, reason: null };
  }

  async remove(): Promise<void> {
    await rm(this.#request.folder, { recursive: true, force: true });
  }

  /** The bundle of this seed. Nothing stays in the folder but those of seeds to come. */
  async #sweep(seed: bigint): Promise<Found | undefined> {
    const { folder } = this.#request;
    let found: Found | undefined;
    for (const name of (await readdir(folder)).sort()) {
      if (!name.endsWith(BUNDLE_EXTENSION) || (this.#ahead.get(name) ?? seed) > seed) continue;
      const read = await this.#read(name);
      const isAhead = typeof read === "object" && read.identity.seed > seed && read.identity.seed < this.#endSeed;
      if (isAhead) {
        this.#ahead.set(name, read.identity.seed);
        continue;
      }
      if (typeof read === "string") this.#stray = `${name} ${read}`;
      else if (read.identity.seed === seed) found = read;
      else this.#stray = `${name} is of seed ${read.identity.seed.toString()}`;
      this.#ahead.delete(name);
      await rm(join(folder, name), { recursive: true, force: true });
    }
    return found;
  }

  get #endSeed(): bigint {
    const { starting_seed: from, iterations } = this.#request.batch;
    return from + BigInt(iterations);
  }

  /** Or what is wrong with the file. */
  async #read(name: string): Promise<Found | string> {
    const path = join(this.#request.folder, name);
    try {
      const stat = await lstat(path);
      if (!stat.isFile()) return "is no plain file";
      if (stat.size > MAX_BUNDLE_BYTES) return `has more than ${String(MAX_BUNDLE_BYTES)} bytes`;
      const bytes = await readFileIfPresent(path, MAX_BUNDLE_BYTES);
      if (bytes === undefined) return "was removed";
      return { name, bytes, identity: decodeBundleAs(bytes, "it", bundleIdentitySchema, MAX_CONTENT_BYTES) };
    } catch (error) {
      return reasonOf(error).replace(/^it /, "");
    }
  }

  /** Why this is not the bundle of the failure, or cannot be kept. */
  #faultOf(found: Found | undefined, invariant: string): string | undefined {
    // Nothing tells which seed a damaged file is of.
    if (found === undefined)
      return `the program wrote none${this.#stray === undefined ? "" : ` of use: ${this.#stray}`}`;
    const { name, bytes, identity } = found;
    const { commit } = this.#request;
    if (identity.failure.invariant !== invariant) return `${name} is of a failure by ${identity.failure.invariant}`;
    if (identity.commit !== commit) return `${name} is of commit ${identity.commit}, tested is ${commit}`;
    if (this.#keptBytes + bytes.length <= MAX_BATCH_BYTES) return undefined;
    return `the bundles of its batch may have ${String(MAX_BATCH_BYTES)} bytes together`;
  }
}

const none = (reason: string | null, isExpected: boolean): TakenBundle => ({ bytes: null, reason, isExpected });
