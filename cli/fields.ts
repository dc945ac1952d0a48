/** `--fields a,b`: JSON of these fields only. They are checked against the schema of the answer, so that a typing error is one. */
import type { z } from "zod";
import { KimtestError } from "../contracts/errors.ts";

export interface Fields {
  readonly has: (field: string) => boolean;
  /** Of an answer, or of each row of a list: only the fields, in the order they were named. */
  readonly pick: (value: object) => Readonly<Record<string, unknown>>;
}

/** `named`: as typed; undefined for all. @throws KimtestError `USAGE` that lists the fields there are */
export function fieldsOf(named: string | undefined, schema: z.ZodObject): Fields {
  const known = Object.keys(schema.shape);
  if (named === undefined) return { has: () => true, pick: (value) => ({ ...value }) };
  const asked = named.split(",").map((field) => field.trim());
  const unknown = asked.filter((field) => !known.includes(field));
  if (unknown.length > 0) {
    const shown = unknown.map((field) => `"${field}"`).join(", ");
    throw new KimtestError(
      "USAGE",
      `--fields names ${shown}, which ${unknown.length === 1 ? "is no field" : "are no fields"}`,
      {
        hint: `there are ${known.join(", ")}`,
      },
    );
  }
  return {
    has: (field) => asked.includes(field),
    pick: (value) => Object.fromEntries(asked.map((field) => [field, (value as Record<string, unknown>)[field]])),
  };
}
