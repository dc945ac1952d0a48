/** Where the code under test comes from, and how its programs are built. */
import { z } from "zod";
import { workloadSchema } from "../parts.ts";
import { command, positive, relativePath } from "./parts.ts";

export const repositorySchema = z.strictObject({
  /** What `git clone` takes: a URL or a path. It is cloned into the runner's own folder, a path is left alone. */
  url: z.string().min(1),
  /** Branch, tag or full commit hash; a branch is followed from cycle to cycle. */
  reference: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/, "must be a branch, a tag or a commit hash"),
});

export const buildStepSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  command,
  /** Where it is started, relative to the work tree. */
  folder: relativePath,
  deadline_seconds: positive,
  /** Added to the environment. */
  environment: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.string()),
  /** Phases that cannot be run without it. When one for `vopr` fails the last good commit is tested instead. */
  needed_by: z.array(workloadSchema).min(1),
  /** False: when it fails they are run all the same, and show what they lack. */
  required: z.boolean().optional(),
});

export const buildSchema = z.strictObject({
  steps: z.array(buildStepSchema),
  /** Commands whose first line of output is recorded with every result: compilers, and what the proofs run on. */
  versions: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/), command),
  /** With less free disk, folders of `prune` are removed, in their order, until there is enough. */
  min_free_gibibytes: positive,
  /** Relative to the work tree; nothing that a build does not make again. */
  prune: z.array(relativePath),
});

export type Repository = z.infer<typeof repositorySchema>;
export type Build = z.infer<typeof buildSchema>;
export type BuildStep = z.infer<typeof buildStepSchema>;
