/** Small schemas that the parts of a profile share. */
import { z } from "zod";

/** The program, then its arguments; no shell is involved. */
export const command = z.array(z.string().min(1)).min(1);
export const positive = z.number().positive();

/** Below the work tree; `.` is the work tree itself. */
export const relativePath = z
  .string()
  .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\0]{1,500}$/, "must be a relative path without ..");

/** As Node names it. */
export const architectureSchema = z.enum(["x64", "arm64"]);

/** Files that the runner writes into a folder of its own, by relative path: the sources of a planted bug. */
export const filesSchema = z
  .record(relativePath, z.string().max(64 * 1024))
  .refine((files) => Object.keys(files).length > 0, {
    error: "must hold a file",
  });
