/** Failure records: what is archived for each failing seed and each fuzz counterexample. */
import { z } from "zod";
import { count, instant, toolchainSchema } from "./parts.ts";
import { expectationSchema } from "./profile/vopr.ts";
import { seedSchema } from "./seed.ts";

export const voprFailureSchema = z
  .looseObject({
    version: z.literal(1),
    kind: z.literal("vopr"),
    seed: seedSchema,
    /** Identity of the bug, `invariant:scenario`. */
    signature: z.string().min(1),
    scenario: z.string(),
    invariant: z.string(),
    message: z.string(),
    expectation: expectationSchema,
    archived_at: instant,
    cycle: count,
    git_commit: z.string(),
    profile: z.string(),
    toolchain: toolchainSchema,
    /** The program and arguments that run this one seed again. */
    command: z.array(z.string()).min(1),
    /** The same as one line to paste into a shell at the root of the checkout. */
    repro: z.string().min(1),
    /** The batch in which it failed. */
    batch: z.object({ id: count, starting_seed: seedSchema, iterations: count, command: z.array(z.string()) }),
    /** The vopr's own line; null when it printed none for this seed. */
    record: z.unknown(),
    /** Bucket key of its bundle (.kmb); null when there is none. */
    bundle_key: z.string().nullable().default(null),
    /** Why there is none; null as well where none was asked for. */
    bundle_reason: z.string().nullable().default(null),
  })
  .meta({ id: "VoprFailure", description: "failures/vopr/seed-SEED-TS.json: one failing seed" });

/** What libFuzzer calls an input that it writes down. */
export const ARTIFACT_KINDS = ["crash", "leak", "timeout", "oom", "slow-unit"] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** A path inside the archive. */
const archived = z.string().regex(/^artifacts\/[\w-]+\/[\w-]+$/);

export const fuzzFailureSchema = z
  .looseObject({
    version: z.literal(1),
    kind: z.literal("fuzz"),
    target: z.string(),
    signature: z.string().min(1),
    message: z.string(),
    /** Shrunk input, as the tool prints it. */
    counterexample: z.string(),
    archived_at: instant,
    cycle: count,
    git_commit: z.string(),
    profile: z.string(),
    toolchain: toolchainSchema,
    /** The program and arguments that run the input again. */
    command: z.array(z.string()).min(1),
    /** The same as one line to paste into a shell; with `inputs`, where the archive was unpacked, the checkout's root. */
    repro: z.string().min(1),
    /** Null for a tool that has no kinds. */
    artifact: z.enum(ARTIFACT_KINDS).nullable().default(null),
    /** Bugs at one place share it: to be looked at together. */
    group: z.string().nullable().default(null),
    /** Files of the archive that hold the input. */
    inputs: z
      .object({
        /** As it was found. */
        found: archived,
        /** A shorter one that fails in the same way; null when there is none, with the reason. */
        minimized: archived.nullable(),
        reason: z.string().nullable(),
      })
      .nullable()
      .default(null),
  })
  .meta({ id: "FuzzFailure", description: "failure.json inside failures/fuzz/TARGET-TS.tar.gz" });

export const failureIndexEntrySchema = z
  .looseObject({
    version: z.literal(1),
    /** Bucket key of the failure. */
    key: z.string(),
    signature: z.string().min(1),
  })
  .meta({ id: "FailureIndexEntry", description: "failure-index/KIND/ORDER-FINDING-NAME.json: one failure, by time" });

export const failureIndexBeginsSchema = z.looseObject({ version: z.literal(1), at: instant, cycle: count }).meta({
  id: "FailureIndexBegins",
  description: "failure-index/begins-TS.json: failures of this instant and later are all in the index",
});

export const failureSchema = z.discriminatedUnion("kind", [voprFailureSchema, fuzzFailureSchema]);

export type VoprFailure = z.infer<typeof voprFailureSchema>;
export type FuzzFailure = z.infer<typeof fuzzFailureSchema>;
export type FailureIndexEntry = z.infer<typeof failureIndexEntrySchema>;
export type FailureIndexBegins = z.infer<typeof failureIndexBeginsSchema>;
