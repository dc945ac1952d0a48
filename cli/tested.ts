/** What is tested: the profile that a person names, with the repository or branch that they name beside it. */
import type { ProfileFile } from "../contracts/profile.ts";
import { loadProfile, repositoryUrl, withRepository } from "../runner/profiles/load.ts";

export interface TestedOptions {
  readonly profile: string;
  readonly repo?: string | undefined;
  readonly branch?: string | undefined;
}

/** `folder`: where a path of a repository is relative to. */
export async function readTested({ profile, repo, branch }: TestedOptions, folder: string): Promise<ProfileFile> {
  const loaded = await loadProfile(profile);
  if (repo === undefined && branch === undefined) return loaded;
  const change = {
    ...(repo === undefined ? {} : { url: repositoryUrl(repo, folder) }),
    ...(branch === undefined ? {} : { reference: branch }),
  };
  return withRepository(loaded, change, repo === undefined ? "--branch" : "--repo");
}
