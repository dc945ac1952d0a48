import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { wordsOf } from "./completion/line.ts";
import { fakeDeps, kimtest } from "./fake-deps.fixture.ts";
import { buildProgram } from "./program.ts";

const COLUMNS = { columns: 80 };
const program = buildProgram(fakeDeps().deps);
const commands = program
  .createHelp()
  .visibleCommands(program)
  .map((command) => command.name())
  .filter((name) => name !== "help");

test("kimtest --help", async () => {
  const ran = await kimtest(["--help"], COLUMNS);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout).toMatchSnapshot();
});

test.each(commands)("kimtest help %s", async (command) => {
  const ran = await kimtest(["help", command], COLUMNS);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout).toMatchSnapshot();
  // `vopr --help` is the simulator's own.
  if (command !== "vopr") expect(await kimtest([command, "--help"], COLUMNS)).toEqual(ran);
});

/** They work on a simulator, a profile, a stack or prices, and not on a store. */
const WITHOUT_STORE = [
  ...["vopr", "deploy-infra", "infra-destroy", "infra-cost", "service", "canaries", "profile", "completion"],
  ...["infra-stop", "infra-start", "infra-restart", "infra-logs", "infra-ssh", "test-infra-smoke"],
];

test.each(commands.filter((command) => !WITHOUT_STORE.includes(command)))("%s takes --store and --json", (command) => {
  const found = buildProgram(fakeDeps().deps).commands.find((one) => one.name() === command);
  expect(found?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(["--store", "--json"]));
});

/** The lines of help's last part. */
async function examplesOf(command: string): Promise<string[]> {
  const { stdout } = await kimtest(["help", command], COLUMNS);
  return stdout.split("\nExamples:\n")[1]?.trimEnd().split("\n") ?? [];
}

test.each(commands)("the examples of %s are lines that it takes", async (command) => {
  const examples = await examplesOf(command);
  expect(examples.length).toBeGreaterThanOrEqual(2);
  for (const example of examples) {
    expect(example).toMatch(new RegExp(`^ {2}kimtest ${command}\\b`));
    // What a shell does with the answer is not ours.
    const words = wordsOf(example.trim().replace(/ [|>] .*$/, ""));
    const stub = buildProgram(fakeDeps().deps);
    let taken: string | undefined;
    for (const one of stub.commands) {
      // What has subcommands does nothing by itself.
      for (const leaf of one.commands.length === 0 ? [one] : one.commands) {
        leaf.action(() => {
          taken = one.name();
        });
      }
    }
    await stub.parseAsync(words.slice(1), { from: "user" });
    expect(taken).toBe(command);
  }
});

test("--version says which kimtest and which Node.js: what an issue report needs", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(await kimtest(["--version"])).toEqual({
    exitCode: 0,
    stdout: `kimtest ${version}, Node.js ${process.version}\n`,
    stderr: "",
  });
});
