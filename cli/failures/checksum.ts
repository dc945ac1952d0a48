/** Checksums of what is fetched, computed as it comes. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Checksum } from "../../runner/store/object-store.ts";

export interface Sum {
  update(chunk: Buffer): void;
  hex(): string;
}

export function startSum(algorithm: Checksum["algorithm"]): Sum {
  if (algorithm !== "crc32") {
    const hash = createHash(algorithm);
    return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest("hex") };
  }
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    hex: () => value.toString(16).padStart(8, "0"),
  };
}
