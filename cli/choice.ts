/**
 * What a command is about when not everything is typed: flags before the environment before kimtest.json.
 *
 * Each of the four is looked for by itself, so that `--stack prod` keeps the region and the profile of kimtest.json.
 */
import type { ProjectFile } from "./project-file.ts";

/** As the options of the same names give them. */
export interface StackChoice {
  readonly stack?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

export interface ResultsChoice extends StackChoice {
  readonly store?: string | undefined;
}

/** Where a command was typed. */
export interface Here {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/** What was said, and by whom: the flag, the variable or the file. */
export interface Said {
  readonly value: string;
  readonly by: string;
}

export interface Chosen {
  readonly stack: Said | undefined;
  readonly region: Said | undefined;
  /** undefined: the SDK's own chain decides, which knows the environment. */
  readonly profile: Said | undefined;
  /**
   * Where results are read: a store that somebody named, the bucket of the stack, or `unsaid`. A store and a stack that
   * are named by the same source are both meant; what a weaker source names beside it is not.
   */
  readonly results:
    | { readonly kind: "store"; readonly store: Said; readonly withStack: boolean }
    | { readonly kind: "stack" }
    | { readonly kind: "unsaid" };
}

/** By any of these the environment says who we are; a profile in a file must not overrule it. */
const IDENTITY_VARIABLES = ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"];

/** Pure. Sources from the strongest to the weakest. */
export function choose(flags: ResultsChoice, env: Here["env"], file: ProjectFile | undefined): Chosen {
  const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const said = (value: string | undefined, by: string): Said | undefined =>
    value === undefined ? undefined : { value, by };
  const fromFile = (key: keyof ProjectFile): Said | undefined => said(file?.[key], file?.path ?? "");
  const stacks = [said(flags.stack, "--stack"), said(set("KIMTEST_STACK"), "KIMTEST_STACK"), fromFile("stack")];
  const stores = [said(flags.store, "--store"), said(set("KIMTEST_STORE"), "KIMTEST_STORE"), fromFile("store")];
  const isWhoSaid = IDENTITY_VARIABLES.some((name) => set(name) !== undefined);
  return {
    stack: first(stacks),
    region:
      said(flags.region, "--region") ??
      said(set("AWS_REGION"), "AWS_REGION") ??
      said(set("AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION") ??
      fromFile("region"),
    profile: said(flags.profile, "--profile") ?? (isWhoSaid ? undefined : fromFile("profile")),
    results: resultsOf(flags, stacks, stores),
  };
}

type Sources = readonly (Said | undefined)[];

const first = (sources: Sources): Said | undefined => sources.find((one) => one !== undefined);
const rank = (sources: Sources): number => {
  const index = sources.findIndex((one) => one !== undefined);
  return index === -1 ? sources.length : index;
};

function resultsOf(flags: ResultsChoice, stacks: Sources, stores: Sources): Chosen["results"] {
  const store = first(stores);
  // Who types a region or a profile means AWS.
  const isAws = (flags.region ?? flags.profile) !== undefined && flags.store === undefined;
  const stackRank = isAws ? 0 : rank(stacks);
  if (store !== undefined && rank(stores) <= stackRank) {
    return { kind: "store", store, withStack: rank(stores) === stackRank };
  }
  return stackRank < stacks.length ? { kind: "stack" } : { kind: "unsaid" };
}
