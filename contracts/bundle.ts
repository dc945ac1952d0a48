/**
 * What is in a bundle (.kmb), as far as anybody but the simulator that wrote it needs to know: which failure of which
 * seed it is of. The rest (decisions, trace) is the simulator's own.
 */
import { z } from "zod";
import { unpackBundle, unusableBundle } from "./bundle-file.ts";
import { seedSchema } from "./seed.ts";

export const bundleIdentitySchema = z
  .object({
    seed: seedSchema,
    scenario: z.string(),
    /** Of the program that wrote it, or `unknown`. */
    commit: z.string(),
    /** The flags that change what the seed does. */
    flags: z.array(z.string()),
    failure: z.object({ invariant: z.string(), message: z.string() }),
  })
  .meta({ id: "BundleIdentity", description: "failures/vopr/seed-SEED-TS.kmb, its content: which failure it is of" });

export type BundleIdentity = z.infer<typeof bundleIdentitySchema>;

/** @throws KimtestError `USAGE` as `unpackBundle`, and for a content that is not of the schema. */
export function decodeBundleAs<T>(bytes: Buffer, name: string, schema: z.ZodType<T>, maxContentBytes: number): T {
  const parsed = schema.safeParse(unpackBundle(bytes, name, maxContentBytes));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? "" : `: ${issue.path.join(".")} ${issue.message}`;
  throw unusableBundle(name, `has another content than a bundle${where}`, "bundles are written with --bundle-out");
}
