/**
 * Bundles (.kmb): one failed seed with all that is needed to see it again: the command line, the failure, and
 * the end of its trace. (Kimberlite's own .kmb has neither magic nor version nor checksum, and its binary
 * never writes one; this format is ours.)
 *
 *   bytes 0-3    "KMB1"
 *   byte  4      version of the content
 *   bytes 5-36   SHA-256 of what follows
 *   bytes 37-    the content: JSON, compressed with zlib's deflate
 */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { stringifyJson } from "../contracts/json.ts";

export const MAGIC = "KMB1";
export const VERSION = 1;
export const HEADER_BYTES = 37;

export interface Bundle {
  readonly seed: bigint | number;
  readonly scenario: string;
  /** The flags that change what the seed does. */
  readonly flags: readonly string[];
  readonly failure: { readonly invariant: string; readonly message: string };
  readonly events: number;
  readonly simulated_time_us: number;
  /** The newest events of its trace, the last one the violation or the end. */
  readonly trace: readonly { readonly seq: number; readonly time_us: number; readonly type: string }[];
}

export function encodeBundle(bundle: Bundle): Buffer {
  const content = deflateSync(Buffer.from(stringifyJson(bundle, 0)));
  const checksum = createHash("sha256").update(content).digest();
  return Buffer.concat([Buffer.from(MAGIC), Buffer.from([VERSION]), checksum, content]);
}
