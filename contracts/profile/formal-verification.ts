/** What is proved or explored, with which tools. */
import { z } from "zod";
import { architectureSchema, command, filesSchema, positive, relativePath } from "./parts.ts";

const explore = z.strictObject({
  tool: z.literal("explore"),
  command,
  arguments: z.array(z.string()),
  canary: z.strictObject({ name: z.string().min(1), arguments: z.array(z.string()) }),
});

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const heap = z.int().positive();

/** What all checks share. */
const check = {
  name,
  /** Relative to the work tree; the tool is started there, or sees it in its container. */
  folder: relativePath,
  deadline_seconds: positive,
  /** Where it can run; elsewhere it is inconclusive, with this as its reason. */
  architectures: z.array(architectureSchema).min(1),
};

/** One of `images`, or null to run it on the machine itself. */
const image = name.nullable();

export const proofCheckSchema = z.discriminatedUnion("tool", [
  z.strictObject({
    tool: z.literal("tlc"),
    ...check,
    java: z.string().min(1),
    /** One of `downloads`. */
    jar: name,
    specification: z.string().min(1),
    configuration: z.string().min(1),
    workers: z.union([z.int().positive(), z.literal("auto")]),
    checks_deadlock: z.boolean(),
    max_heap_mebibytes: heap,
    arguments: z.array(z.string()),
  }),
  z.strictObject({
    tool: z.literal("alloy"),
    ...check,
    java: z.string().min(1),
    jar: name,
    specification: z.string().min(1),
    max_heap_mebibytes: heap,
    /** `run` commands that have no instance by design. */
    unsatisfiable_runs: z.array(z.string()),
  }),
  z.strictObject({
    tool: z.literal("coq"),
    ...check,
    image,
    library: z.string().min(1),
    /** In the order of their dependencies. */
    files: z.array(z.string().min(1)).min(1),
    allowed_admitted: z.int().nonnegative(),
  }),
  z.strictObject({
    tool: z.literal("ivy"),
    ...check,
    image,
    /** `ivy_check`, or nothing where the image starts it by itself. */
    program: z.array(z.string().min(1)),
    specification: z.string().min(1),
    arguments: z.array(z.string()),
    expected_checks: z.int().positive(),
  }),
  z.strictObject({
    tool: z.literal("tlaps"),
    ...check,
    image,
    program: z.array(z.string().min(1)),
    module: z.string().min(1),
    stretch: positive,
    allowed_omitted: z.int().nonnegative(),
  }),
  z.strictObject({
    tool: z.literal("kani"),
    ...check,
    cargo: z.string().min(1),
    unwind: z.int().positive(),
    jobs: z.int().positive(),
    checks_unwinding: z.boolean(),
    arguments: z.array(z.string()),
  }),
]);

/** A container image: pulled by digest, or built from a folder of the work tree. */
export const proofImageSchema = z.strictObject({
  source: z.discriminatedUnion("from", [
    z.strictObject({ from: z.literal("registry"), reference: z.string().min(1) }),
    z.strictObject({ from: z.literal("folder"), folder: relativePath }),
  ]),
  /** For pulling or building it. */
  deadline_seconds: positive,
  memory_mebibytes: z.int().positive(),
});

const proofs = z
  .strictObject({
    tool: z.literal("proofs"),
    /** Files that are fetched, checked against their SHA-256, and kept. */
    downloads: z.record(
      name,
      z.strictObject({
        file: z.string().regex(/^[\w.+-]+$/),
        url: z.url(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    ),
    images: z.record(name, proofImageSchema),
    checks: z.array(proofCheckSchema).min(1),
    /** A check of files that hold a planted bug; it must come out failed. Its `folder` is relative to `files`. */
    canary: z.strictObject({ files: filesSchema, check: proofCheckSchema }),
  })
  .refine(({ checks }) => new Set(checks.map((one) => one.name)).size === checks.length, {
    path: ["checks"],
    error: "must not use a name twice: results are kept by it",
  })
  .superRefine(({ checks, canary, downloads, images }, context) => {
    for (const [index, one] of [...checks, canary.check].entries()) {
      const path = index < checks.length ? ["checks", index] : ["canary", "check"];
      if ("jar" in one && !(one.jar in downloads))
        context.addIssue({ code: "custom", path: [...path, "jar"], message: `"${one.jar}" is not among downloads` });
      if ("image" in one && one.image !== null && !(one.image in images))
        context.addIssue({ code: "custom", path: [...path, "image"], message: `"${one.image}" is not among images` });
    }
  });

export const formalVerificationProfileSchema = z.discriminatedUnion("tool", [explore, proofs]);

export type FormalVerificationProfile = z.infer<typeof formalVerificationProfileSchema>;
export type ExploreProfile = z.infer<typeof explore>;
export type ProofsProfile = z.infer<typeof proofs>;
export type ProofCheck = z.infer<typeof proofCheckSchema>;
export type ProofImage = z.infer<typeof proofImageSchema>;
