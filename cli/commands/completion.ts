/** `kimtest completion SHELL`: completion by Tab; and `kimtest __complete`, which answers the shell. */
import { Argument, Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CliDeps } from "../deps.ts";
import type { Candidate, Expectation, Lookup } from "../completion/expectation.ts";
import type { Shell } from "../completion/scripts.ts";
import type { ResultsChoice } from "../store.ts";

/** A literal, for this file is read by every command; its type is that of the scripts. */
const SHELLS = ["bash", "zsh", "fish"] as const satisfies readonly Shell[];
/** Whoever pressed Tab waits no longer. */
const DEADLINE_MS = 1_500;
/** For what a request that hangs leaves behind. */
const END_MS = 50;

const HELP = `
Load it now, or from the shell's own start file:
  bash  source <(kimtest completion bash)     in ~/.bashrc; bash 4 or later
  zsh   source <(kimtest completion zsh)      in ~/.zshrc, after compinit
  fish  kimtest completion fish | source      in ~/.config/fish/config.fish
It completes commands, options, their values, archived failures and findings. These two it looks up where the line
so far would read them, for at most ${String(DEADLINE_MS / 1_000)} s.

Examples:
  kimtest completion bash > ~/.local/share/bash-completion/completions/kimtest
  kimtest completion zsh
  kimtest completion fish > ~/.config/fish/completions/kimtest.fish`;

export function completionCommand(deps: CliDeps) {
  return new Command("completion")
    .description("Print what makes a shell complete kimtest's commands.")
    .addArgument(new Argument("<shell>", "which").choices(SHELLS))
    .addHelpText("after", HELP)
    .action(async (shell) => {
      const { SCRIPTS } = await import("../completion/scripts.ts");
      deps.out(SCRIPTS[shell]);
    });
}

/** Hidden: only the scripts call it. `programOf`: of all commands, which are its parents. */
export function completeCommand(deps: CliDeps, programOf: () => CommandUnknownOpts) {
  return new Command("__complete")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .argument("[words...]")
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action((shell, words) => complete(shell, words, programOf(), deps));
}

/** bash hands over its line, the others their words without the first. */
async function complete(
  shell: Shell,
  typed: readonly string[],
  program: CommandUnknownOpts,
  deps: CliDeps,
): Promise<void> {
  const [{ expectationAt }, { keptByBash, wordsOf }] = await Promise.all([
    import("../completion/expectation.ts"),
    import("../completion/line.ts"),
  ]);
  const words = shell === "bash" ? wordsOf(typed.join(" ")).slice(1) : typed;
  const expected = expectationAt(program, words);
  const candidates = [...expected.candidates, ...(await lookedUp(expected, deps))];
  const kept = shell === "bash" ? keptByBash(expected.before + expected.typed) : "";
  const lines = [
    ...candidates.map(({ value, description }) => `${(expected.before + value).slice(kept.length)}\t${description}`),
    ...expected.lookups.filter((lookup) => lookup === "files" || lookup === "folders").map((lookup) => `:${lookup}`),
  ];
  deps.out(lines.map((line) => `${line}\n`).join(""));
}

async function lookedUp(expected: Expectation, deps: CliDeps): Promise<Candidate[]> {
  const lookups = expected.lookups.filter((lookup) => lookup === "failures" || lookup === "findings");
  if (lookups.length === 0) return [];
  const deadline = Promise.withResolvers<Candidate[]>();
  const timer = setTimeout(() => {
    deadline.resolve([]);
    deps.endWithin(END_MS);
  }, DEADLINE_MS);
  try {
    return await Promise.race([read(lookups, expected, deps), deadline.promise]);
  } catch {
    // Nothing to complete is no news for whoever pressed Tab; the command itself will say what is wrong.
    return [];
  } finally {
    clearTimeout(timer);
  }
}

async function read(lookups: readonly Lookup[], { typed, given }: Expectation, deps: CliDeps): Promise<Candidate[]> {
  const [{ failureCandidates, findingCandidates }, { withResults }] = await Promise.all([
    import("../completion/lookups.ts"),
    import("../store.ts"),
  ]);
  const choice: ResultsChoice = given;
  return withResults(choice, { ...deps, err: () => undefined }, async (store) => {
    const found = await Promise.all(
      lookups.map((lookup) => (lookup === "failures" ? failureCandidates : findingCandidates)(store, typed)),
    );
    return found.flat();
  });
}
