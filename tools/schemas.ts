/**
 * Writes the JSON Schema of every contract to `docs/schemas/ID.json`.
 *
 *   node tools/schemas.ts            writes them and removes those of contracts that are gone
 *   node tools/schemas.ts --check    writes nothing; exit code 1 and the names when any is stale
 *
 * They describe what may be read (zod's input side): fields with a default are optional, and objects may
 * have unknown fields unless the contract is strict.
 */
import { readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { baselineSchema, benchmarkHistorySchema, benchmarkRunSchema } from "../contracts/benchmark-history.ts";
import { bundleIdentitySchema } from "../contracts/bundle.ts";
import { canaryListSchema, canaryMatrixSchema, canaryResultSchema } from "../contracts/canary.ts";
import { checkpointSchema } from "../contracts/checkpoint.ts";
import { evidenceSchema } from "../contracts/evidence.ts";
import { cycleStateSchema } from "../contracts/cycle.ts";
import { digestSchema } from "../contracts/digest.ts";
import { EXIT, type ExitCode } from "../contracts/errors.ts";
import {
  failureIndexBeginsSchema,
  failureIndexEntrySchema,
  fuzzFailureSchema,
  voprFailureSchema,
} from "../contracts/failure.ts";
import { stringifyJson } from "../contracts/json.ts";
import { infraStatusSchema } from "../contracts/infra-status.ts";
import { lastGoodSchema } from "../contracts/last-good.ts";
import { profileSchema } from "../contracts/profile.ts";
import { projectFileSchema } from "../contracts/project-file.ts";
import {
  benchRunSchema,
  bundleReproSchema,
  explorationSchema,
  fuzzRunSchema,
  programProgressSchema,
} from "../contracts/programs.ts";
import { findingSchema, registrySchema } from "../contracts/registry.ts";
import {
  doctorReportSchema,
  failureListSchema,
  fetchedFailuresSchema,
  findingListSchema,
} from "../contracts/reports.ts";
import {
  benchmarksResultSchema,
  formalVerificationDaySchema,
  formalVerificationResultSchema,
  fuzzResultSchema,
  phaseResultSchema,
  prepareResultSchema,
  voprResultSchema,
} from "../contracts/results.ts";
import { seedSchema } from "../contracts/seed.ts";
import { smokeReportSchema } from "../contracts/smoke.ts";
import { hostSettingsSchema } from "../contracts/host.ts";
import { serviceSettingsSchema, stackParameterSchema } from "../contracts/stack.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import { voprRecordSchema } from "../contracts/vopr.ts";

/** Every contract; the id in its metadata is the name of its file. */
export const CONTRACTS: readonly z.ZodType[] = [
  baselineSchema,
  benchmarkHistorySchema,
  benchmarkRunSchema,
  benchmarksResultSchema,
  benchRunSchema,
  bundleIdentitySchema,
  bundleReproSchema,
  canaryListSchema,
  canaryMatrixSchema,
  canaryResultSchema,
  checkpointSchema,
  evidenceSchema,
  cycleStateSchema,
  digestSchema,
  doctorReportSchema,
  explorationSchema,
  failureIndexBeginsSchema,
  failureIndexEntrySchema,
  failureListSchema,
  fetchedFailuresSchema,
  findingListSchema,
  findingSchema,
  formalVerificationDaySchema,
  formalVerificationResultSchema,
  fuzzFailureSchema,
  fuzzResultSchema,
  fuzzRunSchema,
  infraStatusSchema,
  lastGoodSchema,
  phaseResultSchema,
  prepareResultSchema,
  profileSchema,
  projectFileSchema,
  programProgressSchema,
  registrySchema,
  seedSchema,
  smokeReportSchema,
  serviceSettingsSchema,
  hostSettingsSchema,
  stackParameterSchema,
  voprFailureSchema,
  voprRecordSchema,
  voprResultSchema,
];

export const SCHEMA_FOLDER = fileURLToPath(new URL("../docs/schemas", import.meta.url));

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
/** What a seed is in JSON. Zod cannot say it: the contract is a union with bigint, and a transform. */
const SEED = {
  title: "Seed",
  description: seedSchema.description,
  type: "integer",
  minimum: 0,
  maximum: MAX_U64,
};

export function idOf(schema: z.ZodType): string {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error("a contract has no id: add .meta({ id })");
  return id;
}

/** The JSON Schema of one contract; seeds keep the digits of their maximum as bigint. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  if (schema === seedSchema) return { $schema: DIALECT, ...SEED };
  const { $defs = {} } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    unrepresentable: ({ zodSchema }) => (zodSchema._zod.def.type === "bigint" ? {} : "throw"),
  });
  const definitions = new Map(
    Object.entries($defs).map(([id, definition]) => [id, id === "Seed" ? SEED : titled(id, definition)]),
  );
  // Zod defines the contract itself like those it refers to; in a file of its own it stands at the top.
  const id = idOf(schema);
  const own = definitions.get(id);
  if (own === undefined) throw new Error(`no definition of ${id}`);
  definitions.delete(id);
  const others = definitions.size === 0 ? {} : { $defs: Object.fromEntries(definitions) };
  return { $schema: DIALECT, ...own, ...others };
}

/** `id` is no word of JSON Schema; `title` is. */
function titled(id: string, definition: object): Record<string, unknown> {
  return { title: id, ...Object.fromEntries(Object.entries(definition).filter(([word]) => word !== "id")) };
}

/** File name to content. */
export function schemaFiles(): Map<string, string> {
  return new Map(CONTRACTS.map((schema) => [`${idOf(schema)}.json`, `${stringifyJson(jsonSchemaOf(schema))}\n`]));
}

/** Names of files that are missing, differ, or belong to no contract. */
export function staleFiles(folder: string): string[] {
  const wanted = schemaFiles();
  const present = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return [...new Set([...wanted.keys(), ...present])]
    .filter((name) => !present.includes(name) || readFileSync(join(folder, name), "utf8") !== wanted.get(name))
    .sort();
}

function main(args: readonly string[]): ExitCode {
  const [flag, ...more] = args;
  if ((flag !== undefined && flag !== "--check") || more.length > 0) {
    process.stderr.write("usage: node tools/schemas.ts [--check]\n");
    return EXIT.usage;
  }
  const stale = staleFiles(SCHEMA_FOLDER);
  const shown = stale.map((name) => relative(process.cwd(), join(SCHEMA_FOLDER, name)));
  if (flag === "--check") {
    for (const path of shown) process.stderr.write(`stale: ${path}\n`);
    if (stale.length > 0) process.stderr.write("run: node tools/schemas.ts\n");
    return stale.length === 0 ? EXIT.ok : EXIT.failuresFound;
  }
  const wanted = schemaFiles();
  for (const name of stale) {
    const text = wanted.get(name);
    if (text === undefined) rmSync(join(SCHEMA_FOLDER, name));
    else writeFileSync(join(SCHEMA_FOLDER, name), text);
  }
  for (const path of shown) process.stdout.write(`${path}\n`);
  return EXIT.ok;
}

const startedWith = process.argv[1];
if (startedWith !== undefined && realpathSync(startedWith) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
