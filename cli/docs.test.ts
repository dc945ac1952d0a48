import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { CLI_DOCS, cliDocs } from "../tools/cli-docs.ts";
import { fakeDeps } from "./fake-deps.fixture.ts";
import { buildProgram } from "./program.ts";

test("docs/cli.md is what the commands print (npm run docs writes it)", async () => {
  expect(readFileSync(CLI_DOCS, "utf8")).toBe(await cliDocs());
});

test("it has each command", async () => {
  const docs = await cliDocs();
  for (const command of buildProgram(fakeDeps().deps).commands) {
    expect(docs.includes(`\n## ${command.name()}\n`)).toBe(!command.name().startsWith("__"));
  }
});
