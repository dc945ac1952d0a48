/** Where things are when nobody says otherwise, relative to the working directory. */
export const DEFAULT_STORE = ".kimtest/store";
export const DEFAULT_STATE_FOLDER = ".kimtest/state";
/** Where `fetch-failure` puts what it fetches. */
export const DEFAULT_FETCH_FOLDER = ".artifacts/aws-failures";
