/** A profile: what to build and run for a project under test. Data only, so that a user can write one. */
import { z } from "zod";
import { PHASES } from "./parts.ts";
import { benchmarksProfileSchema } from "./profile/benchmarks.ts";
import { formalVerificationProfileSchema } from "./profile/formal-verification.ts";
import { fuzzProfileSchema } from "./profile/fuzz.ts";
import { positive } from "./profile/parts.ts";
import { buildSchema, repositorySchema } from "./profile/source.ts";
import { voprProfileSchema } from "./profile/vopr.ts";

export const profileSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    /** Git work tree whose commit is tested; all programs run in it. Either this or `repository`. */
    work_tree: z.string().min(1).optional(),
    /** Cloned and kept up to date by the runner; its clone is the work tree. */
    repository: repositorySchema.optional(),
    build: buildSchema.optional(),
    /** Length of a cycle when none is asked for. */
    duration_seconds: positive,
    /** Parts of a cycle per phase; VOPR also gets what the others leave over. */
    time_shares: z.record(z.enum(PHASES), positive),
    formal_verification: formalVerificationProfileSchema,
    benchmarks: benchmarksProfileSchema,
    fuzz: fuzzProfileSchema,
    vopr: voprProfileSchema,
  })
  .refine(({ work_tree, repository }) => (work_tree === undefined) !== (repository === undefined), {
    path: ["work_tree"],
    error: "must be given, or else repository: one of the two",
  })
  .refine(
    ({ vopr }) => vopr.scenarios.some((one) => one.name === vopr.canary.scenario && one.expectation === "must-pass"),
    {
      path: ["vopr", "canary", "scenario"],
      error: "must be one of vopr.scenarios, a must-pass one: in the others every seed fails by design",
    },
  )
  .refine(({ vopr }) => new Set(vopr.scenarios.map(({ name }) => name)).size === vopr.scenarios.length, {
    path: ["vopr", "scenarios"],
    error: "must not name a scenario twice: both would share its seeds",
  })
  .refine(({ fuzz }) => new Set(fuzz.targets).size === fuzz.targets.length, {
    path: ["fuzz", "targets"],
    error: "must not name a target twice",
  })
  .refine(({ fuzz }) => fuzz.tool !== "fast-check" || !fuzz.targets.includes(fuzz.canary_target), {
    path: ["fuzz", "canary_target"],
    error: "must not be one of fuzz.targets: it is broken on purpose",
  })
  .meta({
    id: "Profile",
    description: "What to build and run for a project under test",
    // For editors; the first refinement above in the words of JSON Schema.
    oneOf: [{ required: ["work_tree"] }, { required: ["repository"] }],
  });

/** As it is written. */
export type ProfileFile = z.infer<typeof profileSchema>;
/** As it is run: the work tree is an absolute path, whoever keeps it. */
export type Profile = ProfileFile & { readonly work_tree: string };
