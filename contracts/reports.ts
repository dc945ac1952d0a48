/** What reading commands print with `--json`: as stable as what is stored. */
import { z } from "zod";
import { FINDING_ID } from "./bucket.ts";
import { count, instant } from "./parts.ts";
import { findingSchema } from "./registry.ts";
import { seedSchema } from "./seed.ts";

export const listedFailureSchema = z.object({
  /** Bucket key; `fetch-failure` takes it. */
  key: z.string(),
  kind: z.enum(["vopr", "fuzz"]),
  /** Of the batch in which the seed failed; of a fuzz failure, when it was archived. */
  at: instant,
  /** Only with kind vopr. */
  seed: seedSchema.optional(),
  /** Only with kind fuzz. */
  target: z.string().optional(),
  /** null: archived before there was an index, so only the failure itself tells. */
  finding: z.string().regex(FINDING_ID).nullable(),
  /** null as well where the index entry cannot be read. */
  signature: z.string().nullable(),
});
export type ListedFailure = z.infer<typeof listedFailureSchema>;

export const failureListSchema = z
  .object({ failures: z.array(listedFailureSchema), more: z.boolean() })
  .meta({ id: "FailureList", description: "list-failures --json: archived failures, newest first" });

export const listedFindingSchema = findingSchema
  .pick({ signature: true, workload: true, count: true, seeds: true, message: true, repro: true, failure_key: true })
  .extend({
    id: z.string().regex(FINDING_ID),
    state: findingSchema.shape.state,
    first_seen_at: instant,
    last_seen_at: instant,
  });
export type ListedFinding = z.infer<typeof listedFindingSchema>;

export const findingListSchema = z
  .object({ findings: z.array(listedFindingSchema), more: z.boolean() })
  .meta({ id: "FindingList", description: "list-failures --by-finding --json: findings, last seen first" });

const fetchedFileSchema = z.object({
  /** Absolute. */
  path: z.string(),
  /** Bytes. */
  size: count,
  /** With what the content was checked; `size`: the store has no checksum of it. */
  verified: z.enum(["sha256", "sha1", "crc32", "md5", "size"]),
  /** False: the same file was there already. */
  new: z.boolean(),
});
export type FetchedFile = z.infer<typeof fetchedFileSchema>;

const fetchedFailureSchema = fetchedFileSchema.extend({
  key: z.string(),
  /** The bundle of a seed, beside its record; null where the record names none. */
  bundle: fetchedFileSchema.nullable(),
  /** The folder of the unpacked archive; null without --extract. */
  extracted: z.string().nullable(),
  /** What to type next. */
  next: z.string(),
});
export type FetchedFailure = z.infer<typeof fetchedFailureSchema>;

export const fetchedFailuresSchema = z
  .object({
    fetched: z.array(fetchedFailureSchema),
    failed: z.array(z.object({ key: z.string(), code: z.string(), message: z.string(), hint: z.string().nullable() })),
  })
  .meta({ id: "FetchedFailures", description: "fetch-failure --json: what is here now, and what could not be had" });

const doctorCheckSchema = z.object({
  name: z.string(),
  /** A fault has to be mended; of a warning it depends on what somebody wants to do. */
  result: z.enum(["ok", "warning", "fault"]),
  /** What was found. */
  what: z.string(),
  /** To type, or to do; null where nothing has to be done. */
  fix: z.string().nullable(),
});
export type DoctorCheck = z.infer<typeof doctorCheckSchema>;

export const doctorReportSchema = z
  .object({ checks: z.array(doctorCheckSchema), warnings: count, faults: count })
  .meta({
    id: "DoctorReport",
    description: "doctor --json: what kimtest needs on this machine, and what of it is there",
  });
