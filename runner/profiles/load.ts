/** From what a person names to a profile: `embedded`, or a JSON file of their own. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";
import { profileSchema, type Profile, type ProfileFile } from "../../contracts/profile.ts";
import { checkoutFolder } from "../platform/folders.ts";
import { embeddedProfile } from "./embedded.ts";

/** @throws KimtestError `NOT_FOUND` or `USAGE`; every problem of a file is named with its dotted path. */
export async function loadProfile(name: string): Promise<ProfileFile> {
  if (name === "embedded") return embeddedProfile();
  if (!name.endsWith(".json")) {
    throw new KimtestError("USAGE", `there is no profile "${name}"`, {
      hint: "use embedded, or the path of a profile file that ends in .json",
    });
  }
  let text: string;
  try {
    text = await readFile(name, "utf8");
  } catch (error) {
    throw new KimtestError("NOT_FOUND", `the profile ${name} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  const parsed = profileSchema.safeParse(parsedText(text, name));
  if (parsed.success) {
    const { work_tree: workTree } = parsed.data;
    return workTree === undefined ? parsed.data : { ...parsed.data, work_tree: resolve(dirname(name), workTree) };
  }
  const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
  throw new KimtestError("USAGE", `the profile ${name} is not valid:\n${problems.join("\n")}`, {
    hint: "docs/schemas/Profile.json describes it",
  });
}

/** The profile with its work tree: its own, or the clone that the runner keeps of its repository. */
export function settled(profile: ProfileFile, stateFolder: string): Profile {
  return { ...profile, work_tree: profile.work_tree ?? checkoutFolder(stateFolder) };
}

function parsedText(text: string, name: string): unknown {
  try {
    return parseJson(text, `the profile ${name}`);
  } catch (error) {
    throw new KimtestError("USAGE", reasonOf(error), { cause: error });
  }
}
