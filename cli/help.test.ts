import { expect, test } from "@jest/globals";
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
  expect(ran.stdout).toContain("\nExample");
  // `vopr --help` is the simulator's own.
  if (command !== "vopr") expect(await kimtest([command, "--help"], COLUMNS)).toEqual(ran);
});

/** They work on a simulator, a stack or prices, and not on a store. */
const WITHOUT_STORE = [
  ...["vopr", "deploy-infra", "infra-destroy", "infra-cost", "service", "canaries", "profile", "completion"],
  ...["infra-stop", "infra-start", "infra-restart", "infra-logs", "infra-ssh"],
];

test.each(commands.filter((command) => !WITHOUT_STORE.includes(command)))("%s takes --store and --json", (command) => {
  const found = buildProgram(fakeDeps().deps).commands.find((one) => one.name() === command);
  expect(found?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(["--store", "--json"]));
});
