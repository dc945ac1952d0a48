/** From what a person names to a profile: one that is built in, or a file of their own. */
import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { BUILT_IN_PROFILES, type BuiltInProfile } from "../../contracts/defaults.ts";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { profileSchema, type Profile, type ProfileFile } from "../../contracts/profile.ts";
import { repositorySchema, type Repository } from "../../contracts/profile/source.ts";
import { checkoutFolder } from "../platform/folders.ts";
import { embeddedProfile } from "./embedded.ts";
import { kimberliteProfile } from "./kimberlite/kimberlite.ts";
import { isProfileFile, parseProfile, PROFILE_EXTENSIONS } from "./read.ts";

const BUILT_IN: Readonly<Record<BuiltInProfile, () => ProfileFile>> = {
  embedded: embeddedProfile,
  kimberlite: kimberliteProfile,
};

export const isBuiltIn = (name: string): name is BuiltInProfile => Object.hasOwn(BUILT_IN, name);

const MAX_BYTES = 1024 * 1024;

/** @throws KimtestError `NOT_FOUND` or `USAGE`; every problem of a file is named with its dotted path. */
export async function loadProfile(name: string): Promise<ProfileFile> {
  if (isBuiltIn(name)) return BUILT_IN[name]();
  if (!isProfileFile(name)) {
    throw new KimtestError("USAGE", `there is no profile "${name}"`, {
      hint: `use ${BUILT_IN_PROFILES.join(", ")}, or the path of a profile file that ends in ${PROFILE_EXTENSIONS.join(", ")}`,
    });
  }
  const parsed = profileSchema.safeParse(await parseProfile(await textOf(name), name));
  if (parsed.success) return withPaths(parsed.data, dirname(name));
  const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
  throw new KimtestError("USAGE", `the profile ${name} is not valid:\n${problems.join("\n")}`, {
    hint: "docs/schemas/Profile.json describes it",
  });
}

async function textOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES)
      throw new KimtestError("USAGE", `it has ${String(size)} bytes, at most ${String(MAX_BYTES)} are read`);
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof KimtestError ? error.code : "NOT_FOUND";
    throw new KimtestError(code, `the profile ${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Paths in a profile are relative to its own folder. */
function withPaths(profile: ProfileFile, folder: string): ProfileFile {
  const { work_tree: workTree, repository } = profile;
  return {
    ...profile,
    ...(workTree === undefined ? {} : { work_tree: resolve(folder, workTree) }),
    ...(repository === undefined ? {} : { repository: { ...repository, url: repositoryUrl(repository.url, folder) } }),
  };
}

/** `https://…`, or `user@host:path` as ssh has it; the rest are paths. */
const REMOTE = /^([a-z][a-z0-9+.-]*:\/\/|[^/]+@[^/]+:|[^/:]+:(?!\\))/i;

/** What `git clone` takes; a path becomes absolute, seen from `folder`. */
export function repositoryUrl(url: string, folder: string): string {
  return REMOTE.test(url) || isAbsolute(url) ? url : resolve(folder, url);
}

/** The profile with its work tree: its own, or the clone that the runner keeps of its repository. */
export function settled(profile: ProfileFile, stateFolder: string): Profile {
  return { ...profile, work_tree: profile.work_tree ?? checkoutFolder(resolve(stateFolder)) };
}

/**
 * The profile with another repository or reference than its own. `source`: where a person has named them, for the
 * message.
 *
 * @throws KimtestError `USAGE` when the profile tests a work tree, or when what was named cannot be a repository.
 */
export function withRepository<P extends ProfileFile>(profile: P, change: Partial<Repository>, source: string): P {
  const { repository } = profile;
  if (repository === undefined) {
    throw new KimtestError("USAGE", `${source}: the profile ${profile.name} tests a work tree, not a repository`, {
      hint: "use a profile with a repository (kimberlite, or one of your own with `repository` in place of `work_tree`)",
    });
  }
  const parsed = repositorySchema.safeParse({ ...repository, ...change });
  if (parsed.success) return { ...profile, repository: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new KimtestError("USAGE", `${source}: ${problems.join("; ")}`, {
    hint: "for example --repo https://github.com/kimberlitedb/kimberlite --branch main",
  });
}
