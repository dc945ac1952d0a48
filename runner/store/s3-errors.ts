/**
 * What an AWS SDK error means for us, and what to type next. Pure, so that a table can test it.
 *
 * Shapes: service errors have a `name` (their code) and `$metadata.httpStatusCode`; network errors are
 * Node's own with a `code`; missing credentials come from the SDK's credential chain by name.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
import { KimtestError, reasonOf, systemCodeOf, type ErrorCode } from "../../contracts/errors.ts";
import { renewHint, signInHint } from "./sign-in.ts";

const CREDENTIAL_NAMES = ["CredentialsProviderError", "TokenProviderError", "InvalidAccessKeyId", "InvalidToken"];
const EXPIRED_NAMES = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed"];
const TIMEOUT_NAMES = ["TimeoutError", "RequestTimeout", "AbortError"];
const THROTTLED = 429;

interface Facts {
  readonly name: string;
  readonly status: number | undefined;
  /** HTTP requests made, with the SDK's own retries. */
  readonly attempts: number;
}

export function factsOf(error: unknown): Facts {
  const name = error instanceof Error ? error.name : "";
  const metadata: unknown = error instanceof Error && "$metadata" in error ? error.$metadata : undefined;
  const fields = typeof metadata === "object" && metadata !== null ? (metadata as Record<string, unknown>) : {};
  const { httpStatusCode: status, attempts } = fields;
  return {
    name,
    status: typeof status === "number" ? status : undefined,
    attempts: typeof attempts === "number" ? attempts : 1,
  };
}

interface Meaning {
  readonly code: ErrorCode;
  readonly hint?: string;
}

function meaningOfRefusal(name: string, status: number, profile: string | undefined): Meaning {
  if (name === "NoSuchBucket") {
    return { code: "NOT_FOUND", hint: "deploy it, or name another store with --store s3://bucket or --store PATH" };
  }
  if (name === "InvalidObjectState") {
    return { code: "STORE_REFUSED", hint: "it is archived: kimtest fetch-failure KEY --restore asks for a copy" };
  }
  const { env } = process;
  if (CREDENTIAL_NAMES.includes(name)) return { code: "STORE_REFUSED", hint: signInHint({ profile, env }) };
  if (EXPIRED_NAMES.includes(name)) return { code: "STORE_REFUSED", hint: renewHint({ profile, env }) };
  if (status === 301 || status === 307 || name === "PermanentRedirect") {
    return { code: "STORE_REFUSED", hint: "the bucket is in another region: set AWS_REGION to it" };
  }
  if (status === 403) {
    return {
      code: "STORE_REFUSED",
      hint: "check that `aws sts get-caller-identity` names the right account and that it may use this bucket",
    };
  }
  return { code: "STORE_REFUSED" };
}

const NETWORK_HINT = "check the network and AWS_ENDPOINT_URL; what waits in the outbox is sent when the store is back";

/** The SDK's word for something thrown below it that is no Error of its realm: Node's own, under Jest. */
export const isWrapped = (text: string): boolean => text.startsWith("AWS SDK error wrapper for ");

/** undefined: nothing that S3 or the network does, so probably a mistake of ours. */
function meaningOf(error: unknown, profile: string | undefined): Meaning | undefined {
  const { name, status } = factsOf(error);
  const text = reasonOf(error);
  const signIn = (): Meaning => ({ code: "STORE_REFUSED", hint: signInHint({ profile, env: process.env }) });
  if (CREDENTIAL_NAMES.includes(name) && status === undefined) return signIn();
  if (/credential/i.test(text) && status === undefined && systemCodeOf(error) === undefined) return signIn();
  if (isWrapped(text)) return { code: "STORE_UNREACHABLE", hint: NETWORK_HINT };
  if (text.includes("Region is missing")) return { code: "STORE_REFUSED", hint: "set AWS_REGION" };
  if (TIMEOUT_NAMES.includes(name)) return { code: "STORE_UNREACHABLE", hint: NETWORK_HINT };
  if (status !== undefined && status >= 300 && status < 500 && status !== THROTTLED) {
    return meaningOfRefusal(name, status, profile);
  }
  // A 2xx that cannot be read, a 5xx, throttling.
  if (status !== undefined) return { code: "STORE_UNREACHABLE", hint: NETWORK_HINT };
  return systemCodeOf(error) === undefined ? undefined : { code: "STORE_UNREACHABLE", hint: NETWORK_HINT };
}

/**
 * The error to throw in place of one that the SDK threw. `doing`: such as "s3://bucket: cannot read a/b.json";
 * `profile`: the one asked for, undefined for what the environment says.
 */
export function s3Error(error: unknown, doing: string, profile?: string): unknown {
  if (error instanceof KimtestError) return error;
  const meaning = meaningOf(error, profile);
  if (meaning === undefined) return error;
  const { name } = factsOf(error);
  const detail = [name === "Error" ? "" : name, reasonOf(error)].filter((part) => part !== "").join(": ");
  const { code, hint } = meaning;
  return new KimtestError(code, `${doing}: ${detail}`, { ...(hint === undefined ? {} : { hint }), cause: error });
}
