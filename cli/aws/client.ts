/** How commands talk to AWS: limits on everything, and errors that say what to type next. */
import { KimtestError, reasonOf, systemCodeOf } from "../../contracts/errors.ts";
import { requestLimits } from "../../runner/platform/aws-limits.ts";
import { factsOf, isWrapped } from "../../runner/store/s3-errors.ts";
import { renewHint, signInHint } from "../../runner/store/sign-in.ts";

export interface AwsTarget {
  readonly region: string;
  /** Of the AWS configuration files; undefined for the default chain (AWS_PROFILE, keys, SSO, …). */
  readonly profile: string | undefined;
}

const REQUEST_MS = 15_000;
const MAX_ATTEMPTS = 3;

export function clientConfig(target: AwsTarget) {
  return {
    region: target.region,
    ...(target.profile === undefined ? {} : { profile: target.profile }),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: requestLimits(REQUEST_MS),
  };
}

/** Of a service, for what is no client of the SDK. */
export function endpointOf(service: "ssm" | "sts", region: string): string {
  const names = [`AWS_ENDPOINT_URL_${service.toUpperCase()}`, "AWS_ENDPOINT_URL"];
  const own = names.map((name) => process.env[name]).find((url) => (url ?? "") !== "");
  return own ?? `https://${service}.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

const EXPIRED = /^(?:ExpiredToken|RequestExpired|TokenRefreshRequired)/;

/**
 * What the SDK threw, as ours. `doing`: such as "cannot ask AWS who we are"; `profile`: the target's, for what to type.
 */
export function awsError(error: unknown, doing: string, profile?: string): unknown {
  if (error instanceof KimtestError) return error;
  const { name, status } = factsOf(error);
  const text = reasonOf(error);
  const isCredentials =
    status === undefined && (/Credentials|TokenProvider/.test(name) || /credential|profile/i.test(text));
  const isOurs = name === "Error" && systemCodeOf(error) === undefined && !isWrapped(text);
  if (status === undefined && !isCredentials && isOurs) return error;
  const detail = [name === "Error" ? "" : name, text].filter((part) => part !== "").join(": ");
  return new KimtestError("CLOUD_FAILED", `${doing}: ${detail}`, {
    hint: hintOf(name, status, isCredentials, profile),
    cause: error,
  });
}

function hintOf(name: string, status: number | undefined, isCredentials: boolean, profile: string | undefined): string {
  const identity = { profile, env: process.env };
  if (isCredentials || name === "InvalidClientTokenId" || name === "AuthFailure") return signInHint(identity);
  if (EXPIRED.test(name)) return renewHint(identity);
  if (status === 401 || status === 403) return "this identity may not do that; docs/deploy.md lists the permissions";
  return "check the network and AWS_ENDPOINT_URL, then try again";
}

export async function asking<T>(doing: string, work: Promise<T>, profile?: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw awsError(error, doing, profile);
  }
}
