/**
 * The stack's configuration: read from Pulumi's strings, checked whole.
 *
 * All problems are reported at once, each with its key, its value and what to type. A key nobody knows is a problem
 * too: a misspelt switch that is silently ignored is a lie about what runs.
 */
import { z } from "zod";
import { BUILT_IN_PROFILES } from "../contracts/defaults.ts";
import { KimtestError } from "../contracts/errors.ts";
import { MAX_U64 } from "../contracts/u64.ts";
import { architectureOf, type Architecture } from "./architecture.ts";
import { PROJECT } from "./names.ts";

/** What CloudWatch Logs accepts, up to ten years: PutRetentionPolicy in its API reference. */
export const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
/** Room for the image, Docker's images and a build tree; more than this is a typing error. */
const VOLUME_GIB = { min: 30, max: 1000 };
const MAX_BUDGET_USD = 100_000;
const MAX_FLAGS = 20;
const MAX_FLAG_CHARACTERS = 100;

interface Key {
  /** From the string that Pulumi passes; the default is a string as well. */
  readonly schema: z.ZodType;
  readonly fallback: string;
  /** Ends the sentence "KEY is VALUE, but must be …". */
  readonly must: string;
  /** A value that would do. */
  readonly example: string;
}

const key = <Schema extends z.ZodType>(schema: Schema, fallback: string, must: string, example = fallback) =>
  ({ schema, fallback, must, example }) satisfies Key;

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
const wholeKey = (min: number, max: number, fallback: number, unit: string) =>
  key(whole(min, max), String(fallback), `a whole number from ${min} to ${max}${unit}`);
const switchKey = (fallback: boolean) =>
  key(
    z.enum(["true", "false"]).transform((text) => text === "true"),
    String(fallback),
    "true or false",
  );

function jsonOf(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: "custom", message: "no JSON" });
    return z.NEVER;
  }
}

const KEYS = {
  alertEmail: key(z.email(), "", "an e-mail address that you can read", "you@example.com"),
  instanceType: key(
    z.string().refine((type) => architectureOf(type) !== undefined),
    "c7g.xlarge",
    "an EC2 instance type with Linux on a Graviton, Intel or AMD processor",
  ),
  volumeSize: wholeKey(VOLUME_GIB.min, VOLUME_GIB.max, 60, " (GiB)"),
  runDurationHours: wholeKey(1, 168, 48, " (hours)"),
  enableFuzzing: switchKey(true),
  enableFormalVerification: switchKey(true),
  enableBenchmarks: switchKey(true),
  purchase: key(z.enum(["spot", "on-demand"]), "spot", "spot or on-demand"),
  spotMaxPrice: key(
    z.string().regex(/^$|^(?=.*[1-9])\d{1,3}(\.\d{1,6})?$/),
    "",
    'USD per hour such as 0.08, or "" for the on-demand price',
    "0.08",
  ),
  githubRepo: key(
    z.string().regex(/^https:\/\/[A-Za-z0-9.-]+\/[A-Za-z0-9._~/-]+$/),
    "https://github.com/kimberlitedb/kimberlite.git",
    "the https address of a git repository, without a user name",
  ),
  githubBranch: key(
    z.string().regex(/^(?!.*(\.\.|\/\/|@\{))[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/),
    "main",
    "the name of a branch",
  ),
  region: key(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/), "us-east-1", "an AWS region such as us-east-1"),
  availabilityZone: key(
    z.string().regex(/^$|^[a-z]{2}(-[a-z]+)+-\d[a-z]$/),
    "",
    'an availability zone such as us-east-1b, or "" for the first that offers the instance type',
    "us-east-1b",
  ),
  profile: key(z.enum(BUILT_IN_PROFILES), "kimberlite", BUILT_IN_PROFILES.join(" or ")),
  seedOffset: key(
    z
      .string()
      .regex(/^\d{1,20}$/)
      .transform(BigInt)
      .refine((seed) => seed <= MAX_U64),
    "0",
    `a whole number from 0 to ${MAX_U64.toString()}`,
  ),
  voprFlags: key(
    z
      .string()
      .transform(jsonOf)
      .pipe(z.array(z.string().min(1).max(MAX_FLAG_CHARACTERS)).max(MAX_FLAGS)),
    "[]",
    `a JSON array of at most ${MAX_FLAGS} flags of at most ${MAX_FLAG_CHARACTERS} characters`,
    `'["--check-determinism"]'`,
  ),
  logRetentionDays: key(
    whole(1, 3653).refine((days) => LOG_RETENTION_DAYS.includes(days)),
    "7",
    `one of ${LOG_RETENTION_DAYS.join(", ")} (days)`,
  ),
  monthlyBudgetUsd: wholeKey(0, MAX_BUDGET_USD, 60, " (USD; 0 for no budget)"),
  keepResults: switchKey(true),
  adoptBucket: switchKey(false),
  machineGeneration: wholeKey(1, 9999, 1, ""),
} as const;

type KeyName = keyof typeof KEYS;

export type StackConfig = {
  readonly [Name in KeyName]: z.output<(typeof KEYS)[Name]["schema"]>;
} & { readonly architecture: Architecture };

/** Every key with its default, as Pulumi would pass it. */
export const DEFAULTS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(KEYS).map(([name, { fallback }]) => [name, fallback]),
);

const PREFIX = `${PROJECT}:`;

/**
 * `all`: every key of the stack, `kimtest:volumeSize` and those of other projects, as Pulumi passes them.
 *
 * @throws KimtestError `USAGE` that names every problem.
 */
export function readConfig(all: Readonly<Record<string, string>>): StackConfig {
  const given = Object.entries(all).flatMap(([name, value]) =>
    name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value] as const] : [],
  );
  const values = new Map(given);
  const problems = given.flatMap(([name]) => (Object.hasOwn(KEYS, name) ? [] : [unknownKey(name)]));
  const parsed: Record<string, unknown> = {};
  for (const [name, { schema, fallback, must, example }] of Object.entries<Key>(KEYS)) {
    const value = values.get(name) ?? fallback;
    const result = schema.safeParse(value);
    if (result.success) parsed[name] = result.data;
    else problems.push(badValue(name, value, must, example));
  }
  problems.push(...contradictions(parsed));
  if (problems.length > 0) {
    throw new KimtestError("USAGE", ["the configuration of this stack cannot be used:", ...problems].join("\n  "), {
      hint: "set each key as shown, then run pulumi up again",
    });
  }
  const config = parsed as unknown as Omit<StackConfig, "architecture">;
  return { ...config, architecture: architectureOf(config.instanceType)! };
}

function badValue(name: string, value: string, must: string, example: string): string {
  const is = value === "" ? "is not set" : `is "${value}"`;
  return `${PREFIX}${name} ${is}, but must be ${must}: pulumi config set ${PREFIX}${name} ${example}`;
}

function unknownKey(name: string): string {
  const near = Object.keys(KEYS).find((known) => distance(known.toLowerCase(), name.toLowerCase()) <= 3);
  const meant = near === undefined ? ":" : `; did you mean ${PREFIX}${near}?`;
  return `${PREFIX}${name} is no key of this project${meant} pulumi config rm ${PREFIX}${name}`;
}

/** What is right alone and wrong together. */
function contradictions(parsed: Readonly<Record<string, unknown>>): string[] {
  const { purchase, spotMaxPrice, region, availabilityZone } = parsed as Partial<StackConfig>;
  const problems: string[] = [];
  if (purchase === "on-demand" && spotMaxPrice !== undefined && spotMaxPrice !== "") {
    problems.push(
      `${PREFIX}spotMaxPrice is "${spotMaxPrice}", but ${PREFIX}purchase is on-demand: pulumi config rm ${PREFIX}spotMaxPrice`,
    );
  }
  if (region !== undefined && availabilityZone !== undefined && availabilityZone !== "") {
    if (availabilityZone.slice(0, -1) !== region) {
      problems.push(
        `${PREFIX}availabilityZone is "${availabilityZone}", but must be in ${region}: pulumi config set ${PREFIX}availabilityZone ${region}a`,
      );
    }
  }
  return problems;
}

/** Letters to change, add or remove to get from one word to the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(from).entries()) {
    const next = [at + 1];
    for (const [index, other] of Array.from(to).entries()) {
      next.push(Math.min(row[index]! + (letter === other ? 0 : 1), row[index + 1]! + 1, next[index]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
