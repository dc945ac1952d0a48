/** The simulator, its scenarios, its batches and its bundles. */
import { z } from "zod";
import { seedSchema } from "../seed.ts";
import { command, positive } from "./parts.ts";

export const expectationSchema = z.enum(["must-pass", "must-detect"]);

export const scenarioSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  /** Share of CPU time relative to the other scenarios. */
  weight: positive,
  /** `must-detect`: every seed is expected to fail, one that passes is the bug. */
  expectation: expectationSchema,
  /** As the program's own list calls it, where that is another name. */
  listed_as: z.string().min(1).optional(),
});

/** Stands for the folder that bundles are written into. */
const FOLDER = "DIR";
const holdsFolder = (argument: string): boolean => argument === FOLDER || argument.endsWith(`=${FOLDER}`);

const bundlesSchema = z.strictObject({
  /** Flags with which the program writes bundles (contracts/bundle-file.ts) into the folder `DIR`. */
  arguments: z.array(z.string()).refine((all) => all.filter(holdsFolder).length === 1, {
    error: `must hold ${FOLDER} once, alone or after a =: the folder's path is put in its place`,
  }),
  /** Of a batch, the first so many failing seeds of each signature have theirs archived. */
  per_signature: z.int().positive().max(100),
});

/** The same with the folder in its place. */
export const bundleArguments = (bundles: z.infer<typeof bundlesSchema>, folder: string): string[] =>
  bundles.arguments.map((argument) => (holdsFolder(argument) ? argument.slice(0, -FOLDER.length) + folder : argument));

export const voprProfileSchema = z.strictObject({
  /** The program and its first arguments; flags of a batch are appended. */
  command,
  /** Flags on every batch. */
  arguments: z.array(z.string()),
  /** What a person types for `command`, in a reproduction line. */
  repro_command: z.string().min(1),
  scenarios: z.array(scenarioSchema).min(1),
  /** How the program is asked which scenarios it has; both lists are compared in the prepare phase. */
  scenario_list: z
    .strictObject({
      arguments: z.array(z.string()).min(1),
      format: z.enum(["json", "kimberlite"]),
      /** Scenarios that it has and that are not run, on purpose. */
      left_out: z.array(z.string().min(1)),
    })
    .optional(),
  /** First seed ever tested of each scenario. */
  seed_offset: seedSchema,
  batch: z.strictObject({
    /** Seeds in the first batch of a scenario, before its speed is known. */
    first_iterations: z.int().positive(),
    max_iterations: z.int().positive().max(1_000_000),
    /** Aimed-at length of a batch. */
    target_seconds: positive,
    /** A batch that prints no line for so long is hung. */
    stall_seconds: positive,
    /** A batch may never take longer. */
    deadline_seconds: positive,
  }),
  /** A share (0 to 1) of batches runs with these flags, each seed twice. */
  determinism: z.strictObject({ share: z.number().min(0).max(1), arguments: z.array(z.string()) }),
  /** How the program writes a bundle of a failing seed; absent for one that writes none. */
  bundles: bundlesSchema.optional(),
  canary: z.strictObject({
    name: z.string().min(1),
    /** Another program with the bug built in; by default `command`. */
    command: command.optional(),
    scenario: z.string().min(1),
    arguments: z.array(z.string()),
    iterations: z.int().positive(),
  }),
  /** More failures than this in one batch are critical news. */
  critical_failures: z.int().positive(),
});

export type VoprProfile = z.infer<typeof voprProfileSchema>;
export type ScenarioProfile = z.infer<typeof scenarioSchema>;
export type Expectation = z.infer<typeof expectationSchema>;
