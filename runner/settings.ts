/** Reads the settings that the launcher fetched; every problem is named with its key. */
import { readFile } from "node:fs/promises";
import { KimtestError, reasonOf } from "../contracts/errors.ts";
import { parseJson } from "../contracts/json.ts";
import { hostSettingsSchema, type HostSettings } from "../contracts/host.ts";
import { serviceSettingsSchema, type ServiceSettings } from "../contracts/stack.ts";

/** @throws KimtestError `USAGE`. */
export async function readSettings(path: string): Promise<ServiceSettings | HostSettings> {
  let value: unknown;
  try {
    value = parseJson(await readFile(path, "utf8"), `the settings ${path}`);
  } catch (error) {
    throw new KimtestError("USAGE", `the settings ${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  const isPlain = typeof value === "object" && value !== null && "host" in value;
  const parsed = isPlain ? hostSettingsSchema.safeParse(value) : serviceSettingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: key, message }) => `  ${key.join(".") || "(top)"}: ${message}`);
  throw new KimtestError("USAGE", `the settings ${path} are not valid:\n${problems.join("\n")}`, {
    hint: isPlain
      ? "`kimtest service install` writes them; docs/schemas/HostSettings.json describes each"
      : "they are the SSM parameter /kimtest/STACK/service, written by `pulumi up`; docs/schemas/ServiceSettings.json",
  });
}
