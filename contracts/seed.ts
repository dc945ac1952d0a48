/** Seeds: unsigned 64-bit integers, `bigint` in memory, plain numbers in JSON. */
import { z } from "zod";
import { MAX_U64 } from "./u64.ts";

/** Accepts a safe integer or a bigint in [0, 2^64); gives a bigint. */
export const seedSchema = z
  .union([z.int().nonnegative(), z.bigint()])
  .transform((value) => BigInt(value))
  .refine((seed) => seed >= 0n && seed <= MAX_U64, { error: "must be a whole number from 0 to 2^64 - 1" })
  .meta({ id: "Seed", description: "Unsigned 64-bit seed, a plain JSON number; never rounded" });
