/**
 * What may come where the cursor is: told from the commander program alone, so that a new command or option is
 * completed without a word here.
 *
 * Of a value, its placeholder says what it is: `<finding>` takes finding ids, whichever command it is of.
 */
import type { Argument, CommandUnknownOpts, Option } from "@commander-js/extra-typings";

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What the program cannot know. */
export type Lookup = "failures" | "findings" | "files" | "folders";

export interface Expectation {
  /** Begin with what is typed so far. */
  readonly candidates: readonly Candidate[];
  readonly lookups: readonly Lookup[];
  /** What is typed so far of the value: without the `--option=` before it. */
  readonly typed: string;
  /** That `--option=`, or "". */
  readonly before: string;
  /** The options typed so far, as far as they have values: where to look things up. */
  readonly given: Readonly<Record<string, string>>;
}

const LOOKUPS: Readonly<Record<string, readonly Lookup[]>> = {
  failure: ["failures", "findings"],
  finding: ["findings"],
  file: ["files", "failures"],
  folder: ["folders"],
  location: ["folders"],
};

/** `words`: after the program's name; the last one is being typed, and may be empty. */
export function expectationAt(program: CommandUnknownOpts, words: readonly string[]): Expectation {
  const typed = words.at(-1) ?? "";
  const command = commandIn(program, words.slice(0, -1));
  if (command === undefined) return among(commandsOf(program), typed);
  if (command.name === "help") return among(commandsOf(program), typed);
  if (command.found === undefined) return nothing(typed);
  return within(program, command.found, words.slice(command.index + 1, -1), typed);
}

interface Named {
  readonly name: string;
  readonly index: number;
  /** undefined: there is no such command. */
  readonly found: CommandUnknownOpts | undefined;
}

function commandIn(program: CommandUnknownOpts, words: readonly string[]): Named | undefined {
  const index = words.findIndex((word) => !word.startsWith("-"));
  const name = words[index];
  if (name === undefined) return undefined;
  return { name, index, found: program.commands.find((one) => one.name() === name) };
}

function commandsOf(program: CommandUnknownOpts): Candidate[] {
  const help = program.createHelp();
  return help.visibleCommands(program).map((one) => ({ value: one.name(), description: one.description() }));
}

function within(
  program: CommandUnknownOpts,
  command: CommandUnknownOpts,
  before: readonly string[],
  typed: string,
): Expectation {
  const { positionals, given, used, open, isAllPositional } = walk(command, before);
  if (open !== undefined) return { ...valuesOf(open.flags, open.argChoices, typed), given };
  const [, name, value] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
  const option = name === undefined || isAllPositional ? undefined : optionNamed(command, name);
  if (option !== undefined && value !== undefined) {
    return { ...valuesOf(option.flags, option.argChoices, value), before: `${name ?? ""}=`, given };
  }
  if (typed.startsWith("-") && !isAllPositional) {
    const visible = program.createHelp().visibleOptions(command);
    const left = visible.filter((one) => one.long !== undefined && !used.has(one.long));
    return {
      ...among(
        left.map((one) => ({ value: one.long ?? "", description: one.description })),
        typed,
      ),
      given,
    };
  }
  const argument = argumentAt(command.registeredArguments, positionals);
  if (argument === undefined) return { ...nothing(typed), given };
  return { ...valuesOf(`<${argument.name()}>`, argument.argChoices, typed), given };
}

interface Walked {
  readonly positionals: number;
  readonly given: Record<string, string>;
  /** Options, by their long name. */
  readonly used: Set<string>;
  /** The option whose value comes next. */
  readonly open: Option | undefined;
  /** After `--`. */
  readonly isAllPositional: boolean;
}

function walk(command: CommandUnknownOpts, words: readonly string[]): Walked {
  const used = new Set<string>();
  const given: Record<string, string> = {};
  let positionals = 0;
  let open: Option | undefined;
  let isAllPositional = false;
  for (const word of words) {
    if (open !== undefined) {
      given[open.name()] = word;
      open = undefined;
    } else if (isAllPositional || !word.startsWith("-") || word === "-") positionals += 1;
    else if (word === "--") isAllPositional = true;
    else {
      const [name = "", value] = word.split(/=(.*)/s);
      const option = optionNamed(command, name);
      if (option?.long !== undefined) used.add(option.long);
      if (option === undefined) continue;
      if (value !== undefined) given[option.name()] = value;
      else if (option.required) open = option;
    }
  }
  return { positionals, given, used, open, isAllPositional };
}

const optionNamed = (command: CommandUnknownOpts, name: string): Option | undefined =>
  command.options.find(({ long, short }) => long === name || short === name);

function argumentAt(registered: readonly Argument[], index: number): Argument | undefined {
  const last = registered.at(-1);
  return registered[index] ?? (last?.variadic === true ? last : undefined);
}

function valuesOf(flags: string, choices: readonly string[] | undefined, typed: string): Expectation {
  if (choices !== undefined)
    return among(
      choices.map((value) => ({ value, description: "" })),
      typed,
    );
  const placeholder = /[<[]([a-z]+)(?:\.\.\.)?[>\]]/.exec(flags)?.[1] ?? "";
  return { ...nothing(typed), lookups: LOOKUPS[placeholder] ?? [] };
}

const among = (all: readonly Candidate[], typed: string): Expectation => ({
  ...nothing(typed),
  candidates: all.filter(({ value }) => value.startsWith(typed)),
});

const nothing = (typed: string): Expectation => ({ candidates: [], lookups: [], typed, before: "", given: {} });
