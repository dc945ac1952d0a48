/** What may come where the cursor is, on the real program. */
import { describe, expect, test } from "@jest/globals";
import { fakeDeps } from "../fake-deps.fixture.ts";
import { buildProgram } from "../program.ts";
import { expectationAt, type Expectation } from "./expectation.ts";
import { keptByBash, wordsOf } from "./line.ts";

const program = buildProgram(fakeDeps().deps);
/** `|` is the cursor, which stands at the end. */
const at = (line: string): Expectation => expectationAt(program, line.replace(/\|$/, "").split(" ").slice(1));
const values = (line: string): string[] => at(line).candidates.map(({ value }) => value);

describe("candidates", () => {
  test("all commands, none that is hidden", () => {
    const all = values("kimtest |");
    const visible = program.createHelp().visibleCommands(program);
    expect(all).toEqual(visible.map((command) => command.name()));
    expect(all).toContain("completion");
    expect(all).not.toContain("__complete");
    expect(at("kimtest |").candidates.every(({ description }) => description !== "")).toBe(true);
    expect(values("kimtest help |")).toEqual(all);
  });

  test("all options of each command, as its help has them", () => {
    for (const command of program.commands) {
      const visible = program.createHelp().visibleOptions(command);
      expect(values(`kimtest ${command.name()} --|`)).toEqual(visible.map(({ long }) => long));
    }
  });

  const table: [line: string, expected: string[]][] = [
    ["kimtest infra-st|", ["infra-status", "infra-stop", "infra-start"]],
    ["kimtest no-such |", []],
    ["kimtest list-failures --kind |", ["vopr", "fuzz"]],
    ["kimtest list-failures --kind f|", ["fuzz"]],
    ["kimtest list-failures --kind=|", ["vopr", "fuzz"]],
    ["kimtest list-failures --json --l|", ["--limit"]],
    ["kimtest list-failures --json --js|", []],
    ["kimtest list-failures --limit |", []],
    ["kimtest list-failures --limit 5 --ki|", ["--kind"]],
    ["kimtest infra-logs --no-|", ["--no-follow"]],
    ["kimtest infra-cost --purchase o|", ["on-demand"]],
    ["kimtest completion |", ["bash", "zsh", "fish"]],
    ["kimtest completion bash |", []],
    ["kimtest fetch-failure -- --|", []],
    ["kimtest vopr --|", []],
  ];
  test.each(table)("%s", (line, expected) => {
    expect(values(line)).toEqual(expected);
  });
});

describe("what only the store or the shell knows", () => {
  const table: [line: string, lookups: string[], typed: string][] = [
    ["kimtest fetch-failure |", ["failures", "findings"], ""],
    ["kimtest fetch-failure a vopr/s|", ["failures", "findings"], "vopr/s"],
    ["kimtest list-failures --finding ab|", ["findings"], "ab"],
    ["kimtest list-failures --finding=ab|", ["findings"], "ab"],
    ["kimtest vopr-repro |", ["files", "failures"], ""],
    ["kimtest vopr-repro x |", [], ""],
    ["kimtest fetch-failure --to |", ["folders"], ""],
    ["kimtest cycle --store |", ["folders"], ""],
  ];
  test.each(table)("%s", (line, lookups, typed) => {
    expect(at(line)).toMatchObject({ candidates: [], lookups, typed });
  });

  test("looked up where the line would read it", () => {
    const { given } = at("kimtest fetch-failure --store s3://b/p --json --stack=prod --region eu-west-1 |");
    expect(given).toEqual({ store: "s3://b/p", stack: "prod", region: "eu-west-1" });
  });
});

test.each<[string, string[]]>([
  ["kimtest ", ["kimtest", ""]],
  ["kimtest  a  b", ["kimtest", "a", "b"]],
  [`kimtest 'a b' "c d" e\\ f`, ["kimtest", "a b", "c d", "e f"]],
  [`kimtest "a \\" b" 'c`, ["kimtest", 'a " b', "c"]],
  ["kimtest ''", ["kimtest", ""]],
  ["kimtest a\\", ["kimtest", "a"]],
])("a line of bash: %s", (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});

test.each([
  ["vopr/seed", ""],
  ["--kind=vo", "--kind="],
  ["s3://bucket", "s3:"],
  ["--store=s3://b", "--store=s3:"],
])("of %s bash keeps %s", (typed, kept) => {
  expect(keptByBash(typed)).toBe(kept);
});
