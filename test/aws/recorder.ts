/**
 * A proxy before the emulator that writes down which AWS calls pass, as IAM sees them: action, resource, conditions.
 *
 * It reads what clients really send: the service from the signature's scope, the operation from the request in the
 * protocol of that service (REST for S3, query, JSON and RPC v2 CBOR for the others). A request that it cannot name
 * is an error of the test, not a call that nobody checks.
 */
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { cbor } from "@smithy/core/cbor";

export interface AwsCall {
  /** `s3:GetObject` */
  readonly action: string;
  readonly resource: string;
  /** Of IAM's condition keys, those that a policy of ours looks at. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Recorder {
  readonly endpoint: string;
  readonly calls: readonly AwsCall[];
  /** Requests that could not be named. */
  readonly unknown: readonly string[];
  stop(): Promise<void>;
}

export interface Place {
  readonly region: string;
  readonly accountId: string;
}

export async function startRecorder(port: number, place: Place): Promise<Recorder> {
  const calls: AwsCall[] = [];
  const unknown: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const { method = "GET", url = "/", headers } = incoming;
      try {
        calls.push(...callsOf({ method, url, headers, body }, place));
      } catch (error) {
        unknown.push(`${method} ${url}: ${String(error)}`);
      }
      const forwarded = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on("error", () => outgoing.destroy());
      forwarded.end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    calls,
    unknown,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function callsOf(sent: Request, place: Place): AwsCall[] {
  const service = /Credential=[^/]+\/\d{8}\/[^/]+\/([a-z0-9-]+)\/aws4_request/.exec(
    sent.headers.authorization ?? "",
  )?.[1];
  if (service === undefined) throw new Error("it is not signed");
  if (service === "s3") return [s3Call(sent)];
  const { operation, parameters } = operationOf(sent);
  const text = (name: string): string => {
    const value = parameters[name];
    if (typeof value !== "string") throw new Error(`${operation} has no ${name}`);
    return value;
  };
  const here = (name: string, path: string): string => `arn:aws:${name}:${place.region}:${place.accountId}:${path}`;
  switch (`${service}:${operation}`) {
    case "ssm:GetParameter":
      return [call("ssm:GetParameter", here("ssm", `parameter${text("Name")}`))];
    case "sns:Publish":
      // SNS encrypts with the topic's key in the name of who publishes.
      return [call("sns:Publish", text("TopicArn"))];
    case "monitoring:PutMetricData":
      return [call("cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": text("Namespace") })];
    case "logs:CreateLogStream":
    case "logs:PutLogEvents": {
      const stream = `log-group:${text("logGroupName")}:log-stream:${text("logStreamName")}`;
      return [call(`logs:${operation}`, here("logs", stream))];
    }
    default:
      throw new Error(`${service}:${operation} is a call that nobody has thought of`);
  }
}

const call = (action: string, resource: string, context: Record<string, string> = {}): AwsCall => ({
  action,
  resource,
  context,
});

/** Path style only: `/bucket/key`. */
function s3Call({ method, url, headers }: Request): AwsCall {
  const { pathname, searchParams: query } = new URL(url, "http://bucket");
  const [, bucket = "", ...rest] = pathname.split("/").map(decodeURIComponent);
  const key = rest.join("/");
  const arn = `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`;
  const settings = ["acl", "policy", "tagging", "versions", "lifecycle", "versioning", "delete", "retention"];
  const asked = settings.find((name) => query.has(name));
  if (asked !== undefined || query.has("versionId")) throw new Error(`S3's ${asked ?? "versionId"} is not expected`);
  if (key === "" && (method === "GET" || method === "HEAD")) return call("s3:ListBucket", arn);
  if (key !== "" && (method === "GET" || method === "HEAD")) return call("s3:GetObject", arn);
  if (key !== "" && method === "DELETE")
    return call(query.has("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject", arn);
  const writes = method === "PUT" || (method === "POST" && (query.has("uploads") || query.has("uploadId")));
  if (key !== "" && writes && headers["x-amz-copy-source"] === undefined) return call("s3:PutObject", arn);
  throw new Error("it is no S3 call that is known here");
}

function operationOf({ url, headers, body }: Request): { operation: string; parameters: Record<string, unknown> } {
  const target = headers["x-amz-target"];
  if (typeof target === "string") {
    const parameters = JSON.parse(body.toString()) as Record<string, unknown>;
    return { operation: target.split(".").at(-1) ?? "", parameters };
  }
  const rpc = /\/operation\/([A-Za-z]+)$/.exec(url)?.[1];
  if (rpc !== undefined && headers["smithy-protocol"] === "rpc-v2-cbor") {
    return { operation: rpc, parameters: cbor.deserialize(inflated(headers, body)) as Record<string, unknown> };
  }
  const parameters = Object.fromEntries(new URLSearchParams(inflated(headers, body).toString()));
  const { Action } = parameters;
  if (Action === undefined) throw new Error("it names no operation");
  return { operation: Action, parameters };
}

/** PutMetricData compresses what is long. */
const inflated = (headers: IncomingHttpHeaders, body: Buffer): Buffer =>
  headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
