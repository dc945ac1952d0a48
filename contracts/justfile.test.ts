/** The recipes of the justfile are the commands of kimtest, and hand their arguments on as they are. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execa } from "execa";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const JUST = join(ROOT, "node_modules", ".bin", "just");
/** Recipes that work on the checkout itself and go to npm. */
const FOR_NPM = ["bench", "build", "check", "test"];

/** A checkout whose kimtest prints its arguments and ends with exit code 6. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-just-"));
  copyFileSync(join(ROOT, "justfile"), join(folder, "justfile"));
  mkdirSync(join(folder, "dist"));
  const program =
    "process.stdout.write(JSON.stringify([process.argv.slice(2), process.version])); process.exitCode = 6;";
  writeFileSync(join(folder, "dist", "kimtest.js"), program);
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  symlinkSync(process.execPath, join(folder, "node_modules", ".bin", "node"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const just = (...args: string[]) => execa(JUST, args, { cwd: folder, reject: false, timeout: 20_000 });

interface Dump {
  readonly recipes: Record<string, { readonly private: boolean; readonly body: unknown }>;
}

test("each command has its recipe, and no recipe is without its command", async () => {
  const files = readdirSync(join(ROOT, "cli", "commands")).filter((name) => name.endsWith(".ts"));
  const commands = files.flatMap((name) => {
    const source = readFileSync(join(ROOT, "cli", "commands", name), "utf8");
    return /(?:new Command|readingCommand)\("([a-z-]+)"\)/.exec(source)?.[1] ?? [];
  });
  const { stdout } = await just("--dump", "--dump-format", "json");
  const { recipes } = JSON.parse(stdout) as Dump;
  const names = Object.entries(recipes).flatMap(([name, recipe]) => (recipe.private ? [] : name));
  expect(names.sort()).toStrictEqual([...commands, ...FOR_NPM].sort());
  for (const command of commands) {
    expect(recipes[command]?.body).toStrictEqual([["@", [["variable", "kimtest"]], ` ${command} "$@"`]]);
  }
});

const HOSTILE = ["a b", "$(id)", "`id`", "'", '"', "*", ";", "$HOME", "--json", "", "line\nbreak", "{{kimtest}}"];

const RECIPES =
  "cycle profile infra-status infra-digest list-failures fetch-failure vopr-repro vopr canaries infra-stop infra-start infra-restart infra-logs infra-ssh infra-bench bench-baseline".split(
    " ",
  );

test.each([...RECIPES, "completion", "doctor", "test-infra-smoke", "deploy-infra", "infra-destroy", "infra-cost"])(
  "%s hands arguments and exit code on",
  async (recipe) => {
    const { stdout, exitCode } = await just(recipe, ...HOSTILE);
    expect(JSON.parse(stdout)).toStrictEqual([[recipe, ...HOSTILE], process.version]);
    expect(exitCode).toBe(6);
  },
);

test.each(["fetch-failure", "vopr-repro", "completion"])(
  "%s without its argument is an error that names it",
  async (recipe) => {
    const { stdout, stderr, exitCode } = await just(recipe);
    expect(stdout).toBe("");
    expect(stderr).toContain(`recipe \`${recipe}\` got 0 positional arguments but takes at least 1`);
    expect(exitCode).toBe(1);
  },
);

test("without a recipe the recipes are listed", async () => {
  const { stdout, exitCode } = await just();
  expect(stdout).toContain("infra-status *options");
  expect(exitCode).toBe(0);
});
