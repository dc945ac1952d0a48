/** The registry in the store: read, and merged under a condition so that two writers never lose each other's findings. */
import { REGISTRY_KEY } from "../../contracts/bucket.ts";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { registrySchema, type Registry } from "../../contracts/registry.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { readJson } from "../store/read-json.ts";
import { emptyRegistry, mergeCycle, type Contribution } from "./registry.ts";

/** Tries against other writers before giving up. */
const MAX_MERGES = 10;

export type RegistryRead =
  | { readonly kind: "read"; readonly registry: Registry; readonly etag: string | undefined }
  /** Unreachable or damaged. It is never replaced by an empty one: that would make every known bug new. */
  | { readonly kind: "unreadable"; readonly reason: string };

export async function readRegistry(store: ObjectStore): Promise<RegistryRead> {
  try {
    const read = await readJson(store, REGISTRY_KEY, registrySchema);
    const registry = read?.value ?? emptyRegistry(new Date(0).toISOString());
    return { kind: "read", registry, etag: read?.etag };
  } catch (error) {
    if (error instanceof KimtestError) return { kind: "unreadable", reason: reasonOf(error) };
    throw error;
  }
}

/** Merges what `contribute` makes of the stored registry into it, and returns the result or why it could not be done. */
export async function mergeIntoRegistry(
  store: ObjectStore,
  contribute: (registry: Registry) => readonly Contribution[],
): Promise<RegistryRead> {
  for (let attempt = 0; attempt < MAX_MERGES; attempt += 1) {
    const read = await readRegistry(store);
    if (read.kind === "unreadable") return read;
    const registry = contribute(read.registry).reduce(mergeCycle, read.registry);
    try {
      const condition = read.etag === undefined ? { ifAbsent: true as const } : { ifMatch: read.etag };
      const written = await store.putIf(REGISTRY_KEY, stringifyJson(registry), condition);
      if (written !== undefined) return { kind: "read", registry, etag: written.etag };
    } catch (error) {
      if (error instanceof KimtestError) return { kind: "unreadable", reason: reasonOf(error) };
      throw error;
    }
  }
  return { kind: "unreadable", reason: `${REGISTRY_KEY} was changed by others ${String(MAX_MERGES)} times in a row` };
}
