/** Reads the text of a profile, JSON or YAML; integers beyond 2^53 keep their digits in both. */
import { extname } from "node:path";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";

export const PROFILE_EXTENSIONS: readonly string[] = [".json", ".yaml", ".yml"];
/** A file of a few lines can stand for gigabytes by repeating an alias. */
const MAX_ALIASES = 100;

export const isProfileFile = (name: string): boolean => PROFILE_EXTENSIONS.includes(extname(name));

/** @throws KimtestError `USAGE`, with the line where the text is wrong. */
export async function parseProfile(text: string, path: string): Promise<unknown> {
  if (extname(path) !== ".json") return parseYaml(text, path);
  try {
    return parseJson(text, `the profile ${path}`);
  } catch (error) {
    throw new KimtestError("USAGE", reasonOf(error), { cause: error });
  }
}

async function parseYaml(text: string, path: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const wrong = (problems: readonly string[]): KimtestError =>
    new KimtestError(
      "USAGE",
      `the profile ${path} is not valid YAML:\n${problems.map((one) => `  ${one}`).join("\n")}`,
    );
  const document = parseDocument(text, { intAsBigInt: true, prettyErrors: true });
  // A warning is an unknown tag: what it stands for would be lost.
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0)
    throw wrong(problems.map(({ message, linePos }) => `${lineOf(linePos)}${firstLine(message)}`));
  try {
    return document.toJS({
      maxAliasCount: MAX_ALIASES,
      reviver: (_key, value: unknown) => plainInteger(value),
    }) as unknown;
  } catch (error) {
    throw wrong([reasonOf(error)]);
  }
}

const lineOf = (position: readonly { line: number; col: number }[] | undefined): string =>
  position?.[0] === undefined ? "" : `line ${String(position[0].line)}, column ${String(position[0].col)}: `;

const firstLine = (message: string): string =>
  (message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");

const plainInteger = (value: unknown): unknown =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
