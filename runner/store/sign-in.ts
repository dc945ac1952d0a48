/** What to type when AWS does not take our credentials: for lack of any, or because they have expired. Pure. */

interface Identity {
  /** That was asked for; undefined for what the environment says. */
  readonly profile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function signInHint({ profile, env }: Identity): string {
  return `sign in: ${loginCommand({ profile, env })}; or choose other credentials: AWS_PROFILE, or keys in the environment`;
}

export function renewHint({ profile, env }: Identity): string {
  const clock = "check this machine's clock, too";
  const login = loginCommand({ profile, env });
  const isKeys = profile === undefined && (env["AWS_ACCESS_KEY_ID"] ?? "") !== "";
  if (!isKeys) return `renew the credentials: ${login}; ${clock}`;
  return `the keys in the environment are too old: set new ones, or unset AWS_ACCESS_KEY_ID and sign in: ${login}; ${clock}`;
}

function loginCommand({ profile, env }: Identity): string {
  const name = profile ?? env["AWS_PROFILE"] ?? "";
  if (name === "") return "aws sso login";
  // It is to be pasted into a shell.
  return `aws sso login --profile ${/^[\w.@/+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`}`;
}
