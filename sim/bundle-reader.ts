/**
 * Reading a bundle (bundle.ts) that may come from anywhere. Apart from the writing, and loaded only when one is
 * read, because checking it takes a library that would slow every start.
 */
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { z } from "zod";
import { KimtestError, reasonOf } from "../contracts/errors.ts";
import { parseJson } from "../contracts/json.ts";
import { seedSchema } from "../contracts/seed.ts";
import { HEADER_BYTES, MAGIC, VERSION, type Bundle } from "./bundle.ts";

/** A bundle that unfolds to more is none of ours. */
const MAX_CONTENT_BYTES = 64 * 1024 * 1024;

const bundleSchema = z.object({
  seed: seedSchema,
  scenario: z.string(),
  /** The flags that change what the seed does. */
  flags: z.array(z.string()),
  failure: z.object({ invariant: z.string(), message: z.string() }),
  events: z.int().nonnegative(),
  simulated_time_us: z.int().nonnegative(),
  /** The newest events of its trace, the last one the violation or the end. */
  trace: z.array(z.looseObject({ seq: z.int(), time_us: z.int(), type: z.string() })),
});

/** @throws KimtestError `USAGE` (exit code 2) for what is no bundle, of another version, or damaged. */
export function decodeBundle(bytes: Buffer, name: string): Bundle {
  if (bytes.length < HEADER_BYTES || bytes.subarray(0, 4).toString("latin1") !== MAGIC) {
    throw unusable(name, "is no bundle of this program", "bundles are written with --bundle-out");
  }
  const version = bytes[4]!;
  if (version !== VERSION)
    throw unusable(name, `has version ${version}, not ${VERSION}`, "use the release that wrote it");
  const content = bytes.subarray(HEADER_BYTES);
  const checksum = createHash("sha256").update(content).digest();
  if (!checksum.equals(bytes.subarray(5, HEADER_BYTES))) {
    throw unusable(name, "is damaged: its checksum does not fit", "fetch it again");
  }
  try {
    const text = inflateSync(content, { maxOutputLength: MAX_CONTENT_BYTES }).toString("utf8");
    return bundleSchema.parse(parseJson(text, name));
  } catch (error) {
    throw unusable(name, `cannot be read: ${reasonOf(error)}`, "fetch it again", error);
  }
}

function unusable(name: string, what: string, hint: string, cause?: unknown): KimtestError {
  return new KimtestError("USAGE", `${name} ${what}`, { hint, cause });
}

/** What `vopr show` prints. */
export function bundleText(bundle: Bundle): string {
  const { seed, scenario, flags, failure, events, simulated_time_us: timeUs, trace } = bundle;
  return [
    `seed ${seed}, scenario ${scenario}${flags.length === 0 ? "" : `, flags ${flags.join(" ")}`}`,
    `${failure.invariant}: ${failure.message}`,
    `after ${events} events, ${timeUs / 1000} ms simulated; ${trace.length} events of its trace`,
    `again: npx kimtest vopr ${["--seed", String(seed), "-n", "1", ...flags, "-v"].join(" ")}`,
    "",
  ].join("\n");
}
