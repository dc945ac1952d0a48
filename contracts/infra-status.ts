/** What `kimtest infra-status --json` prints. Fields may be added; none is renamed or removed within a version. */
import { z } from "zod";
import { count, instant, phaseNameSchema, seconds } from "./parts.ts";
import { findingStateSchema } from "./registry.ts";
import { verdictSchema } from "./verdict.ts";

const instanceSchema = z.object({
  id: z.string(),
  type: z.string(),
  /** EC2's instance state. */
  state: z.string(),
  /** Since when it is in this state; null where EC2 does not say. */
  since: instant.nullable(),
  availability_zone: z.string().nullable(),
  /** Who has stopped it; null for one that is not stopped. */
  stopped_by: z.enum(["user", "ec2", "unknown"]).nullable(),
});

const spotRequestSchema = z.object({
  id: z.string(),
  state: z.string(),
  /** EC2's status code, such as `fulfilled`. */
  code: z.string(),
  created_at: instant.nullable(),
});

const alarmSchema = z.object({
  /** Without `kimtest-STACK-`. */
  name: z.string(),
  /** `missing`: the stack should have it, CloudWatch has not. */
  state: z.enum(["ok", "alarm", "insufficient-data", "missing"]),
  since: instant.nullable(),
  /** Whether it tells anybody; off while infra-stop keeps the machine stopped, and always for parts of another alarm. */
  notifies: z.boolean(),
});

const cycleSchema = z.object({
  number: z.int().positive(),
  status: z.enum(["running", "done"]),
  profile: z.string(),
  git_commit: z.string().nullable(),
  phase: phaseNameSchema,
  /** How often it was interrupted and resumed. */
  resumed: count,
  started_at: instant,
  updated_at: instant,
  /** Working time: time in which the runner was down does not count. */
  budget_seconds: seconds,
  left_seconds: seconds,
  iterations: count,
  failures: count,
  /** Over all of the VOPR phase so far; null before it. */
  sims_per_second: z.number().nonnegative().nullable(),
  /** Signatures seen in this cycle. */
  findings: count,
  /** Newest instant at which real work was done, as of `updated_at`. */
  heartbeat_at: instant,
  heartbeat_age_seconds: seconds,
  /** Running, and no work for a quarter of an hour. */
  stuck: z.boolean(),
});

const digestSchema = z.object({
  cycle: z.int().positive(),
  kind: z.enum(["final", "interim"]),
  generated_at: instant,
  verdict: verdictSchema,
  reason: z.string().nullable(),
  vopr_verdict: verdictSchema,
  iterations: count,
  failures: count,
  sims_per_second: z.number().nonnegative(),
  /** Workloads whose planted bug was not found. */
  untrusted: z.array(z.string()),
});

const findingSchema = z.object({
  signature: z.string(),
  /** Null when the registry could not be read. */
  state: findingStateSchema.nullable(),
  count_in_cycle: count,
  failure_key: z.string(),
});

/** In the order of the screen. */
export const STATUS_PARTS = [
  "instance",
  "spot_request",
  "spot_price",
  "interruptions",
  "cycle",
  "alarms",
  "subscriptions",
  "digest",
] as const;
export type StatusPart = (typeof STATUS_PARTS)[number];

export const infraStatusSchema = z
  .object({
    version: z.literal(1),
    at: instant,
    /** `by`: who named it. */
    store: z.object({ url: z.string(), by: z.string() }),
    /** Null where only a store is looked at; then all that is AWS's is null, too. */
    stack: z.object({ name: z.string(), region: z.string(), account_id: z.string(), by: z.string() }).nullable(),
    // A part is null when there is nothing of it (no such request, no digest yet), and when it could not be read: then
    // it is among the problems.
    instance: instanceSchema.nullable(),
    spot_request: spotRequestSchema.nullable(),
    spot_price: z.object({ usd_per_hour: z.number().nonnegative(), availability_zone: z.string() }).nullable(),
    interruptions: z.object({ count, since: instant }).nullable(),
    cycle: cycleSchema.nullable(),
    alarms: z.array(alarmSchema).nullable(),
    /** E-mail addresses that get digests and alarms. */
    subscriptions: z
      .array(z.object({ email: z.string(), state: z.enum(["confirmed", "pending", "deleted"]) }))
      .nullable(),
    digest: digestSchema.nullable(),
    /** Of the newest digest, without those that are resolved. */
    findings: z.array(findingSchema).nullable(),
    problems: z.array(
      z.object({
        part: z.enum(STATUS_PARTS),
        message: z.string(),
        /** What to type. */
        hint: z.string().nullable(),
        exit_code: z.int(),
      }),
    ),
  })
  .meta({ id: "InfraStatus", description: "kimtest infra-status --json" });
export type InfraStatus = z.infer<typeof infraStatusSchema>;
