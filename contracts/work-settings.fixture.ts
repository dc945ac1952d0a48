/** What a service of a test is told to do, whatever machine it runs on. */
import type { WorkSettings } from "./work-settings.ts";

export const WORK: WorkSettings = {
  profile: "embedded",
  run_duration_hours: 48,
  enable_fuzzing: true,
  enable_formal_verification: true,
  enable_benchmarks: true,
  seed_offset: 0n,
  vopr_flags: [],
};
