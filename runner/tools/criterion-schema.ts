/**
 * What Criterion (0.4 to 0.8) writes, as far as it is read here. Times are nanoseconds. Not one of our contracts:
 * fields that it may add are ignored, fields that it may drop are errors.
 */
import { z } from "zod";

const interval = z.object({
  confidence_level: z.number().gt(0).lt(1),
  lower_bound: z.number(),
  upper_bound: z.number(),
});
const estimate = z.object({ point_estimate: z.number(), standard_error: z.number(), confidence_interval: interval });
export type CriterionEstimate = z.infer<typeof estimate>;

export const estimatesSchema = z.object({
  mean: estimate,
  median: estimate,
  std_dev: estimate,
  /** Null with flat sampling. */
  slope: estimate.nullable(),
});

/** The unit is the name of the one field: `{"Bytes": 64}`, `{"Elements": 10}`, `{"BytesDecimal": 64}`, … */
const throughput = z.record(z.string(), z.unknown());

export const benchmarkFileSchema = z.object({
  group_id: z.string().min(1),
  function_id: z.string().nullable(),
  value_str: z.string().nullable(),
  throughput: throughput.nullable(),
  full_id: z.string().min(1),
});

export const sampleSchema = z.object({
  sampling_mode: z.string(),
  /** Iterations of each sample, and the time of all of them. */
  iters: z.array(z.number()),
  times: z.array(z.number()),
});
