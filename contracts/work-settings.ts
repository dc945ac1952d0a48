/** What the service is told to do, on whatever machine it runs. */
import { z } from "zod";
import { seedSchema } from "./seed.ts";

export const workSettings = {
  profile: z.string().min(1),
  run_duration_hours: z.number().positive().max(168),
  enable_fuzzing: z.boolean(),
  enable_formal_verification: z.boolean(),
  enable_benchmarks: z.boolean(),
  seed_offset: seedSchema,
  vopr_flags: z.array(z.string()),
};

export const workSettingsSchema = z.object(workSettings);
export type WorkSettings = z.infer<typeof workSettingsSchema>;
