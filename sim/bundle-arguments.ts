/** The command lines of what works on a bundle: arguments in, what to do out. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { KimtestError, reasonOf } from "../contracts/errors.ts";
import type { BundleCommandName } from "./flags.ts";
import { wholeNumber } from "./number-argument.ts";
import { DEFAULT_TIMELINE_KINDS, TIMELINE_KIND_NAMES, type TimelineKind } from "./timeline.ts";

export interface TimelineCommand {
  readonly name: "timeline";
  readonly path: string;
  readonly json: boolean;
  readonly rerun: boolean;
  readonly kinds: readonly TimelineKind[];
  readonly fromMs: number;
  /** null: to the end. */
  readonly toMs: number | null;
  readonly last: number;
  /** null: those of the terminal. */
  readonly columns: number | null;
}

export type BundleCommand =
  | { readonly name: "help"; readonly of: BundleCommandName }
  | { readonly name: "repro" | "show"; readonly path: string; readonly json: boolean }
  | TimelineCommand
  | {
      readonly name: "bisect";
      readonly path: string;
      readonly json: boolean;
      readonly continuations: number;
      readonly maxRuns: number;
      readonly maxSeconds: number;
    }
  | {
      readonly name: "minimize";
      readonly path: string;
      readonly json: boolean;
      /** null: beside the bundle. */
      readonly out: string | null;
      readonly maxRuns: number;
      readonly maxSeconds: number;
    };

export const DEFAULT_CONTINUATIONS = 16;
export const DEFAULT_MAX_RUNS = 10_000;
export const DEFAULT_MAX_SECONDS = 60;
const MAX_RUNS = 10_000_000;
const MAX_SECONDS = 86_400;
const MAX_MS = 2_147_483;
const MAX_EVENTS = 1_000_000;

const text = { type: "string" } as const;
const COMMON = { help: { type: "boolean", short: "h" }, json: { type: "boolean" } } as const;
const SEARCH = { "max-runs": text, "max-seconds": text } as const;
const OPTIONS: Readonly<Record<BundleCommandName, ParseArgsOptionsConfig>> = {
  repro: COMMON,
  show: COMMON,
  timeline: {
    ...COMMON,
    rerun: { type: "boolean" },
    kinds: text,
    from: text,
    to: text,
    last: text,
    columns: text,
  },
  bisect: { ...COMMON, ...SEARCH, continuations: text },
  minimize: { ...COMMON, ...SEARCH, out: text },
};

/** @throws KimtestError `USAGE` saying what is wrong and what to type instead. */
export function parseBundleArguments(name: BundleCommandName, argv: readonly string[]): BundleCommand {
  const { values, positionals } = read(name, argv);
  if (values["help"] === true) return { name: "help", of: name };
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0)
    throw usage(`${name} takes one bundle`, `for example: ${name} failure.kmb`);
  const json = values["json"] === true;
  const number = (flag: string, otherwise: number, low: number, high: number): number => {
    const value = values[flag];
    return typeof value === "string" ? wholeNumber(value, `--${flag}`, low, high) : otherwise;
  };
  const search = {
    maxRuns: number("max-runs", DEFAULT_MAX_RUNS, 1, MAX_RUNS),
    maxSeconds: number("max-seconds", DEFAULT_MAX_SECONDS, 1, MAX_SECONDS),
  };
  switch (name) {
    case "repro":
    case "show":
      return { name, path, json };
    case "timeline":
      return {
        name,
        path,
        json,
        rerun: values["rerun"] === true,
        kinds: kindsOf(values["kinds"]),
        fromMs: number("from", 0, 0, MAX_MS),
        toMs: values["to"] === undefined ? null : number("to", 0, 0, MAX_MS),
        last: number("last", MAX_EVENTS, 1, MAX_EVENTS),
        columns: values["columns"] === undefined ? null : number("columns", 0, 1, 1_000),
      };
    case "bisect":
      return { name, path, json, ...search, continuations: number("continuations", DEFAULT_CONTINUATIONS, 1, 10_000) };
    case "minimize":
      return { name, path, json, ...search, out: typeof values["out"] === "string" ? values["out"] : null };
  }
}

function read(
  name: BundleCommandName,
  argv: readonly string[],
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS[name], allowPositionals: true, strict: true });
  } catch (error) {
    throw usage(`${name}: ${reasonOf(error)}`, `vopr ${name} --help lists its flags`, error);
  }
}

function kindsOf(list: unknown): readonly TimelineKind[] {
  if (typeof list !== "string") return DEFAULT_TIMELINE_KINDS;
  return list.split(",").map((item) => {
    const kind = TIMELINE_KIND_NAMES.find((candidate) => candidate === item.trim());
    if (kind !== undefined) return kind;
    throw usage(`there is no kind of event "${item.trim()}"`, `kinds: ${TIMELINE_KIND_NAMES.join(", ")}`);
  });
}

function usage(message: string, hint: string, cause?: unknown): KimtestError {
  return new KimtestError("USAGE", message, { hint, cause });
}
