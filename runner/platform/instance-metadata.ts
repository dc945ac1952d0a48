/**
 * The instance metadata service, with a token as IMDSv2 wants it. Every question has a limit; what cannot be
 * answered throws, and whoever asks decides what that means.
 */

const REQUEST_LIMIT_MS = 2_000;
const TOKEN_SECONDS = 6 * 3_600;
/** A token is thrown away long before it ends. */
const TOKEN_USED_MS = 3 * 3_600_000;
const MAX_ANSWER_LENGTH = 4_096;

const DEFAULT_ENDPOINT = "http://169.254.169.254";

/** Undefined where it was switched off by the environment. */
export function instanceMetadata(env: NodeJS.ProcessEnv, monotonicMs: () => number): InstanceMetadata | undefined {
  if (env["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return undefined;
  const endpoint = (env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? DEFAULT_ENDPOINT).replace(/\/$/, "");
  return new InstanceMetadata(endpoint, monotonicMs);
}

export class InstanceMetadata {
  readonly endpoint: string;
  readonly #monotonicMs: () => number;
  #token: { readonly value: string; readonly takenMs: number } | undefined;

  constructor(endpoint: string, monotonicMs: () => number) {
    this.endpoint = endpoint;
    this.#monotonicMs = monotonicMs;
  }

  /** `path`: after /latest/meta-data/. Undefined for 404. */
  async read(path: string): Promise<string | undefined> {
    try {
      const headers = { "X-aws-ec2-metadata-token": await this.#freshToken() };
      const { status, text } = await this.#request("GET", `/latest/meta-data/${path}`, headers);
      if (status === 404) return undefined;
      if (status !== 200) throw new Error(`${path} answers ${String(status)}`);
      return text;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }

  async #freshToken(): Promise<string> {
    const nowMs = this.#monotonicMs();
    if (this.#token !== undefined && nowMs - this.#token.takenMs < TOKEN_USED_MS) return this.#token.value;
    const headers = { "X-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_SECONDS) };
    const { status, text } = await this.#request("PUT", "/latest/api/token", headers);
    if (status !== 200) throw new Error(`no token: it answers ${String(status)}`);
    this.#token = { value: text, takenMs: nowMs };
    return text;
  }

  async #request(method: string, path: string, headers: Record<string, string>) {
    const signal = AbortSignal.timeout(REQUEST_LIMIT_MS);
    const response = await fetch(this.endpoint + path, { method, headers, signal, redirect: "error" });
    return { status: response.status, text: (await response.text()).slice(0, MAX_ANSWER_LENGTH) };
  }
}
