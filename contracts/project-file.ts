/**
 * `kimtest.json`, in a checkout under test or above it. All of it may be left out:
 *
 * ```json
 * { "stack": "dev", "region": "eu-west-1", "profile": "work", "store": ".kimtest/store" }
 * ```
 */
import { z } from "zod";

const named = z.string().trim().min(1, "is empty");

export const projectFileSchema = z
  .strictObject({
    /** For editors; not read by us. */
    $schema: z.string(),
    /** The deployed stack that commands are about. */
    stack: named,
    region: named,
    /** AWS profile; only where the environment chooses no credentials. */
    profile: named,
    /** Where results are read: s3://bucket[/prefix], or a folder relative to this file. */
    store: named,
  })
  .partial()
  .meta({ id: "ProjectFile", description: "kimtest.json: which stack, where and as whom, said once for a checkout" });

export type ProjectSettings = Partial<Readonly<Record<"stack" | "region" | "profile" | "store", string | undefined>>>;
