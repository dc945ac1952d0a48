/**
 * Credentials that are missing, expired or refused: one line of what is wrong, one of what to type, and no secret in
 * either. Missing and expired ones are the SDK's own finding; what a service says of a token, a small server says.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { execa } from "execa";
import { Folder } from "../folder.fixture.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const SECRET = "hunter2Secret/Key+0123456789";

const CONFIG = `[profile work]
sso_session = main
sso_account_id = 123456789012
sso_role_name = Developer
[sso-session main]
sso_region = us-east-1
sso_start_url = https://nobody.example/start
sso_registration_scopes = sso:account:access
[profile ours team]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = nobody
[profile keys]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = ${SECRET}
aws_session_token = ${SECRET}
`;

/** A real process with a home of its own, and nothing of this machine's credentials. */
async function kimtest(argv: readonly string[], env: Record<string, string> = {}) {
  const folder = new Folder();
  const cache = join(folder.path, ".aws/sso/cache");
  mkdirSync(cache, { recursive: true });
  const token = { accessToken: SECRET, expiresAt: "2020-01-01T00:00:00Z", startUrl: "https://nobody.example/start" };
  writeFileSync(join(cache, `${createHash("sha1").update("main").digest("hex")}.json`), JSON.stringify(token));
  const ran = await execa(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...argv], {
    cwd: folder.path,
    reject: false,
    extendEnv: false,
    env: {
      HOME: folder.path,
      PATH: process.env["PATH"],
      AWS_CONFIG_FILE: folder.write("config", CONFIG),
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_REGION: "us-east-1",
      ...env,
    },
  });
  expect(ran.stdout + ran.stderr).not.toContain(SECRET);
  return { exitCode: ran.exitCode, stdout: ran.stdout, lines: ran.stderr.split("\n") };
}

const OTHERS = "or choose other credentials: AWS_PROFILE, or keys in the environment";
const STACK = ["infra-status", "--stack", "dev"];

const table: [string, string[], Record<string, string>, RegExp, string][] = [
  ["none at all", STACK, {}, /Could not load credentials from any providers$/, `  sign in: aws sso login; ${OTHERS}`],
  [
    "an SSO session that is over",
    [...STACK, "--profile", "work"],
    {},
    /^kimtest: cannot read the SSM parameter \/kimtest\/dev\/stack: CredentialsProviderError: /,
    `  sign in: aws sso login --profile work; ${OTHERS}`,
  ],
  [
    "the same by AWS_PROFILE",
    STACK,
    { AWS_PROFILE: "work" },
    /CredentialsProviderError/,
    `  sign in: aws sso login --profile work; ${OTHERS}`,
  ],
  [
    "a role whose source is nobody",
    [...STACK, "--profile", "ours team"],
    {},
    /CredentialsProviderError/,
    `  sign in: aws sso login --profile 'ours team'; ${OTHERS}`,
  ],
  [
    "of a store",
    ["infra-digest", "--store", "s3://somebodys-results", "--profile", "work"],
    {},
    /^kimtest: s3:\/\/somebodys-results: cannot read digests\/latest.json: CredentialsProviderError: /,
    `  sign in: aws sso login --profile work; ${OTHERS}`,
  ],
];
test.each(table)("%s: exit code 5, one line, and what to type", async (_, argv, env, message, hint) => {
  const ran = await kimtest(argv, env);
  expect(ran).toMatchObject({ exitCode: 5, stdout: "" });
  expect(ran.lines).toEqual([expect.stringMatching(message), hint]);
});

test.each([
  [
    "keys in the environment",
    { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: SECRET },
    [],
    "  the keys in the environment are too old: set new ones, or unset AWS_ACCESS_KEY_ID and sign in: aws sso login; " +
      "check this machine's clock, too",
  ],
  [
    "of a profile",
    {},
    ["--profile", "keys"],
    "  renew the credentials: aws sso login --profile keys; check this machine's clock, too",
  ],
])("a token that AWS calls expired, %s", async (_, env, argv, hint) => {
  const server = createServer((_request, response) => {
    response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
    response.end(
      '{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}',
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const ran = await kimtest([...STACK, ...argv], { ...env, AWS_ENDPOINT_URL: `http://127.0.0.1:${String(port)}` });
    expect(ran).toMatchObject({ exitCode: 5, stdout: "" });
    expect(ran.lines).toEqual([
      "kimtest: cannot read the SSM parameter /kimtest/dev/stack: ExpiredTokenException: " +
        "The security token included in the request is expired",
      hint,
    ]);
  } finally {
    server.close();
  }
});
