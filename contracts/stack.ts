/**
 * What a deployed stack tells the others, as two SSM parameters (each under the 4 KB of the standard tier):
 * one from which the CLI finds everything, one that the service on the instance reads at each start.
 */
import { z } from "zod";
import { seedSchema } from "./seed.ts";

/** A stack's name is part of every resource's name; the longest of those leaves it this much room. */
export const STACK_NAME = /^[a-z][a-z0-9-]{0,19}$/;

export const PARAMETER_ROOT = "/kimtest";
export const stackParameterName = (stack: string): string => `${PARAMETER_ROOT}/${stack}/stack`;
/** The stack whose parameter this is; undefined for any other name. */
export const stackInParameterName = (path: string): string | undefined => {
  const name = path.split("/")[2] ?? "";
  return STACK_NAME.test(name) && path === stackParameterName(name) ? name : undefined;
};
export const serviceParameterName = (stack: string): string => `${PARAMETER_ROOT}/${stack}/service`;

/** For the CLI. */
export const stackParameterSchema = z
  .strictObject({
    version: z.literal(1),
    stack: z.string().regex(STACK_NAME),
    region: z.string().min(1),
    account_id: z.string().regex(/^\d{12}$/),
    instance_id: z.string().min(1),
    instance_type: z.string().min(1),
    architecture: z.enum(["arm64", "x86_64"]),
    purchase: z.enum(["spot", "on-demand"]),
    s3_bucket: z.string().min(1),
    sns_topic: z.string().min(1),
    log_group: z.string().min(1),
    alarms: z.array(z.string()),
    dashboard: z.string().min(1),
    service_parameter: z.string().min(1),
  })
  .meta({ id: "StackParameter", description: "Where the parts of a deployed stack are" });

/** A runner as it is delivered: a tar.gz under its content's hash. */
export const bundleSchema = z.strictObject({
  key: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** For the service on the instance: what it runs, and how. Read at each start, so that no setting replaces a machine. */
export const serviceSettingsSchema = z
  .strictObject({
    version: z.literal(1),
    stack: z.string().regex(STACK_NAME),
    region: z.string().min(1),
    s3_bucket: z.string().min(1),
    sns_topic: z.string().min(1),
    log_group: z.string().min(1),
    bundle: bundleSchema,
    profile: z.string().min(1),
    github_repo: z.string().min(1),
    github_branch: z.string().min(1),
    run_duration_hours: z.number().positive().max(168),
    enable_fuzzing: z.boolean(),
    enable_formal_verification: z.boolean(),
    enable_benchmarks: z.boolean(),
    seed_offset: seedSchema,
    vopr_flags: z.array(z.string()),
  })
  .meta({ id: "ServiceSettings", description: "What the service on the instance runs" });

export type StackParameter = z.infer<typeof stackParameterSchema>;
export type ServiceSettings = z.infer<typeof serviceSettingsSchema>;
