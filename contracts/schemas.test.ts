/**
 * docs/schemas/ is what the contracts say today, and says the same: sample values that the contracts accept
 * are valid by the files, and with a required field missing or wrong they are refused by both.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { z } from "zod";
import { CONTRACTS, idOf, SCHEMA_FOLDER, schemaFiles, staleFiles } from "../tools/schemas.ts";
import { voprFailureSchema } from "./failure.ts";
import { isValid, type Json } from "./json-schema.fixture.ts";
import { parseJson, stringifyJson } from "./json.ts";
import { SAMPLES, voprFailure } from "../test/contract-samples.ts";
import { MAX_U64 } from "./u64.ts";

function validByFile(id: string, value: unknown): boolean {
  const text = readFileSync(join(SCHEMA_FOLDER, `${id}.json`), "utf8");
  const file = parseJson(text, id) as Json;
  // As a reader of stored JSON gets it.
  return isValid(parseJson(stringifyJson(value), id), file, file);
}

test("the files are up to date (node tools/schemas.ts)", () => {
  expect(staleFiles(SCHEMA_FOLDER)).toStrictEqual([]);
  expect(schemaFiles().size).toBe(CONTRACTS.length);
});

test("no contract is forgotten: every exported schema with an id has its file", async () => {
  const folder = new URL("./", import.meta.url);
  const modules = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const exported = await Promise.all(modules.map((name) => import(new URL(name, folder).href) as Promise<Json>));
  const ids = exported
    .flatMap((module) => Object.values(module))
    .filter((value): value is z.ZodType => value instanceof z.ZodType)
    .flatMap((schema) => schema.meta()?.id ?? []);
  expect([...new Set(ids)].sort()).toStrictEqual(CONTRACTS.map(idOf).sort());
  expect(Object.keys(SAMPLES).sort()).toStrictEqual(CONTRACTS.map(idOf).sort());
});

const byId = CONTRACTS.map((schema) => [idOf(schema), schema] as const);

test.each(byId)("%s: the sample is valid by the contract and by its file", (id, schema) => {
  const stored = parseJson(stringifyJson(SAMPLES[id]), id);
  expect(schema.safeParse(stored).error).toBeUndefined();
  expect(validByFile(id, stored)).toBe(true);
});

test.each(byId.filter(([id]) => id !== "Seed"))(
  "%s: without any one of its fields, both say the same",
  (id, schema) => {
    const stored = parseJson(stringifyJson(SAMPLES[id]), id) as Json;
    const fields = Object.keys(stored);
    const refused = fields.filter((field) => {
      const { [field]: _, ...rest } = stored;
      const byContract = schema.safeParse(rest).success;
      expect([id, field, _ === undefined, validByFile(id, rest)]).toStrictEqual([id, field, false, byContract]);
      return !byContract;
    });
    // Of what a person may write, everything may be left out.
    expect([id, refused.length > 0]).toStrictEqual([id, id !== "ProjectFile"]);
  },
);

test.each(byId.filter(([id]) => id !== "Seed"))(
  "%s: with any one field of a wrong kind, both say the same",
  (id, schema) => {
    const stored = parseJson(stringifyJson(SAMPLES[id]), id) as Json;
    const wrong = [true, -1, 1.5, "", "x", null, [], [1], {}];
    for (const field of Object.keys(stored)) {
      for (const value of wrong) {
        const changed = { ...stored, [field]: value };
        expect([id, field, value, validByFile(id, changed)]).toStrictEqual([
          id,
          field,
          value,
          schema.safeParse(changed).success,
        ]);
      }
    }
  },
);

test.each<[value: unknown, valid: boolean]>([
  [0, true],
  [9007199254740993n, true],
  [18446744073709551615n, true],
  [18446744073709551616n, false],
  [-1, false],
  [1.5, false],
  ["1", false],
  [null, false],
])("Seed: %p", (value, valid) => {
  expect(validByFile("Seed", value)).toBe(valid);
});

test("the largest seed stands in the files with all its digits", () => {
  const text = readFileSync(join(SCHEMA_FOLDER, "Seed.json"), "utf8");
  expect(text).toBe(`{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Seed",
  "description": "Unsigned 64-bit seed, a plain JSON number; never rounded",
  "type": "integer",
  "minimum": 0,
  "maximum": 18446744073709551615
}
`);
});

test("the validator refuses words it does not know, and references that lead nowhere", () => {
  expect(() => isValid(1, { multipleOf: 2 }, {})).toThrow("the word multipleOf is not known here");
  expect(() => isValid(1, { type: "date" }, {})).toThrow("unknown type date");
  expect(() => isValid(1, { $ref: "#/$defs/Gone" }, { $defs: {} })).toThrow("#/$defs/Gone leads nowhere");
});

test("a failure that was archived before there were bundles is one without", () => {
  const old = { ...voprFailure, bundle_key: undefined, bundle_reason: undefined };
  expect(voprFailureSchema.parse(parseJson(stringifyJson(old), "old"))).toMatchObject({
    seed: MAX_U64,
    bundle_key: null,
    bundle_reason: null,
  });
});
