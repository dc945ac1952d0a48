/** The newest commit of each branch whose simulator could be built: what is tested while the branch is red. */
import { z } from "zod";
import { instant } from "./parts.ts";

/** Branches that are remembered, newest last. */
export const MAX_LAST_GOOD = 20;

const lastGoodCommitSchema = z.object({
  url: z.string().min(1),
  reference: z.string().min(1),
  git_commit: z.string().regex(/^[0-9a-f]{40}$/),
  at: instant,
});

export const lastGoodSchema = z
  .object({ version: z.literal(1), commits: z.array(lastGoodCommitSchema).max(MAX_LAST_GOOD) })
  .meta({ id: "LastGood", description: "checkpoints/last-good.json: the newest commit of each branch that was built" });

export type LastGood = z.infer<typeof lastGoodSchema>;
