import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { z } from "zod";
import { formalVerificationProfileSchema } from "./formal-verification.ts";

const GUIDE = readFileSync(new URL("../../docs/profiles.md", import.meta.url), "utf8");

test("the guide's example of proofs is valid, and with it the guide names every field there is", () => {
  const blocks = GUIDE.split("```json\n").map((block) => block.split("```")[0] ?? "");
  const example = blocks.find((block) => block.startsWith("{") && block.includes('"tool": "proofs"')) ?? "";
  const parsed = formalVerificationProfileSchema.safeParse(JSON.parse(example));
  expect(parsed.error?.issues ?? []).toStrictEqual([]);

  const fields = new Set<string>();
  const collect = (schema: unknown): void => {
    if (typeof schema !== "object" || schema === null) return;
    if ("properties" in schema) for (const name of Object.keys(schema.properties as object)) fields.add(name);
    for (const inner of Object.values(schema)) collect(inner);
  };
  collect(z.toJSONSchema(formalVerificationProfileSchema, { io: "input" }));
  expect(fields.size).toBeGreaterThan(35);
  const isNamed = (name: string): boolean => GUIDE.includes(`\`${name}\``) || example.includes(`"${name}"`);
  expect([...fields].filter((name) => !isNamed(name))).toStrictEqual([]);
});
