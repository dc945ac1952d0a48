/** Where things are when nobody says otherwise, relative to the working directory. */
export const DEFAULT_STORE = ".kimtest/store";
export const DEFAULT_STATE_FOLDER = ".kimtest/state";
/** Profiles that every kimtest has. On a machine of AWS there are no others: its bundle carries no file of anybody's own. */
export const BUILT_IN_PROFILES = ["embedded", "kimberlite"] as const;
export type BuiltInProfile = (typeof BUILT_IN_PROFILES)[number];
/** In the root of a delivered bundle: the commit that it was built from, as one line. */
export const RELEASE_COMMIT_FILE = "kimtest-commit";
/** Environment variable in which the runner tells a program which commit is tested. */
export const COMMIT_VARIABLE = "KIMTEST_COMMIT";
/** Where `fetch-failure` puts what it fetches. */
export const DEFAULT_FETCH_FOLDER = ".artifacts/aws-failures";
