/** The service on a Linux machine of one's own: `kimtest service install` writes these settings, people may edit them. */
import { z } from "zod";
import { workSettings } from "./work-settings.ts";

/** Stands for the subject in a `notify_command`. */
export const SUBJECT_PLACEHOLDER = "{subject}";

export const hostSettingsSchema = z
  .strictObject({
    version: z.literal(1),
    host: z.literal("plain"),
    /** `s3://bucket[/prefix]`, of AWS or of any compatible store (AWS_ENDPOINT_URL_S3), or an absolute folder. */
    store: z.string().min(1),
    ...workSettings,
    /** Instead of the profile's own repository and reference; null for those. */
    repo: z.string().min(1).nullable(),
    branch: z.string().min(1).nullable(),
    /** Started for each digest and each critical message, with its text as input; null for none. */
    notify_command: z.array(z.string().min(1)).min(1).nullable(),
  })
  .meta({ id: "HostSettings", description: "What the service on a machine of one's own runs" });

export type HostSettings = z.infer<typeof hostSettingsSchema>;
