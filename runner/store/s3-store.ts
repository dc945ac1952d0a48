/**
 * The object store in an S3 bucket. Loaded only when it is used (open-store.ts): the SDK is slow to load.
 *
 * The SDK retries what is safe to retry, a bounded number of times and with timeouts on connecting, on
 * waiting for an answer and on a silent connection; errors become `KimtestError` in s3-errors.ts.
 * With AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_S3) set, buckets are addressed by path, as emulators need.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Readable } from "node:stream";

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  RestoreObjectCommand,
  S3Client,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
  type ListObjectsV2CommandOutput,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

import { KimtestError } from "../../contracts/errors.ts";
import { requestLimits } from "../platform/aws-limits.ts";
import { bodyOf, limitedChunks, tooLarge } from "./body.ts";
import { contentTypeOf } from "./content-type.ts";
import { assertKey, assertPrefix, faultOfKey } from "./keys.ts";
import {
  MAX_BODY_BYTES,
  type Checksum,
  type GetOptions,
  type ListOptions,
  type ListedObject,
  type ObjectHead,
  type ObjectInfo,
  type ObjectStore,
  type PutCondition,
  type PutOptions,
  type ReadOptions,
  type StoredObject,
} from "./object-store.ts";
import { factsOf, s3Error } from "./s3-errors.ts";

const PART_BYTES = 8 * 1024 * 1024;
/** Parts in flight, and so in memory. */
const PARTS_AT_ONCE = 2;
/** How often a body that breaks off is fetched again. */
const MAX_BODY_READS = 3;
/** How often a conditional put that collides with another one (409) is tried again. */
const MAX_CONFLICTS = 8;
const CONFLICT_PAUSE_MS = 50;
const WRITE_ID = "kimtest-write";

export interface S3StoreOptions {
  readonly bucket: string;
  /** Without slashes at the ends; "" for the whole bucket. */
  readonly prefix: string;
  /** undefined: what the environment says, as for the profile. */
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly connectionTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** Requests per call, the first one included. */
  readonly maxAttempts?: number;
  /** Keys per listing request, at most 1000. */
  readonly pageSize?: number;
  readonly env?: NodeJS.ProcessEnv;
}

function clientConfig(options: S3StoreOptions): S3ClientConfig {
  const env = options.env ?? process.env;
  const hasEndpoint = [env["AWS_ENDPOINT_URL_S3"], env["AWS_ENDPOINT_URL"]].some(
    (url) => url !== undefined && url !== "",
  );
  const hasRegion = env["AWS_REGION"] !== undefined && env["AWS_REGION"] !== "";
  const region = options.region ?? (hasEndpoint && !hasRegion ? "us-east-1" : undefined);
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  return {
    maxAttempts: options.maxAttempts ?? 4,
    retryMode: "standard",
    followRegionRedirects: true,
    forcePathStyle: hasEndpoint,
    ...(region === undefined ? {} : { region }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    requestHandler: requestLimits(requestTimeoutMs, options.connectionTimeoutMs),
  };
}

export class S3Store implements ObjectStore {
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** "" or ending in `/`. */
  readonly #prefix: string;
  readonly #pageSize: number;
  readonly #profile: string | undefined;

  constructor(options: S3StoreOptions) {
    this.#bucket = options.bucket;
    this.#prefix = options.prefix === "" ? "" : `${options.prefix}/`;
    this.#pageSize = options.pageSize ?? 1000;
    this.#profile = options.profile;
    this.url = ["s3:/", options.bucket, ...(options.prefix === "" ? [] : [options.prefix])].join("/");
    this.#client = new S3Client(clientConfig(options));
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const maxBytes = options.maxBytes ?? MAX_BODY_BYTES;
    return this.#doing(`read ${key}`, async () => {
      for (let read = 1; ; read++) {
        const answer = await this.#getObject(key);
        if (answer === undefined) return undefined;
        const info = infoOf(key, answer.ContentLength, answer.ETag, answer.LastModified);
        const stream = answer.Body as Readable;
        if (info.size > maxBytes) {
          stream.destroy();
          throw tooLarge(this.url, key, info.size, maxBytes);
        }
        try {
          return { ...info, body: await gather(stream, info.size) };
        } catch (error) {
          // The SDK's own retries end when the headers have come.
          if (read === MAX_BODY_READS) throw brokenOff(error);
        }
      }
    });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    assertKey(key);
    return this.#doing(`read ${key}`, async () => {
      try {
        const answer = await this.#client.send(
          new HeadObjectCommand({ ...this.#object(key), ChecksumMode: "ENABLED" }),
        );
        return { ...infoOf(key, answer.ContentLength, answer.ETag, answer.LastModified), ...stateOf(answer) };
      } catch (error) {
        if (factsOf(error).status === 404) return undefined;
        throw error;
      }
    });
  }

  async restore(key: string, days: number): Promise<void> {
    assertKey(key);
    await this.#doing(`restore ${key}`, async () => {
      const request = { Days: days, GlacierJobParameters: { Tier: "Standard" } } as const;
      try {
        await this.#client.send(new RestoreObjectCommand({ ...this.#object(key), RestoreRequest: request }));
      } catch (error) {
        // Somebody else was faster.
        if (factsOf(error).name !== "RestoreAlreadyInProgress") throw error;
      }
    });
  }

  async openRead(
    key: string,
    { offset = 0, etag }: ReadOptions = {},
  ): Promise<{ info: ObjectInfo; stream: Readable } | undefined> {
    return this.#doing(`read ${key}`, async () => {
      const answer = await this.#getObject(key, {
        ...(offset === 0 ? {} : { Range: `bytes=${String(offset)}-` }),
        ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
      });
      if (answer === undefined) return undefined;
      const body = answer.Body as Readable;
      const size = offset + (answer.ContentLength ?? 0);
      const info = infoOf(key, size, answer.ETag, answer.LastModified);
      const doing = `${this.url}: cannot read ${key}`;
      if (offset > 0 && answer.ContentRange?.startsWith(`bytes ${String(offset)}-`) !== true) {
        body.destroy();
        throw new KimtestError("STORE_REFUSED", `${doing} from byte ${String(offset)} on: all of it was sent`);
      }
      return { info, stream: Readable.from(checkedChunks(body, info, offset, doing), { objectMode: false }) };
    });
  }

  async put(key: string, body: Buffer | string, options: PutOptions = {}): Promise<{ etag: string }> {
    assertKey(key);
    const data = bodyOf(key, body);
    const contentType = options.contentType ?? contentTypeOf(key);
    // In parts, so that the time limit of a request fits a slow line too.
    if (data.length > PART_BYTES) return this.#doing(`write ${key}`, () => this.#upload(key, data, contentType));
    return this.#doing(`write ${key}`, async () => {
      const answer = await this.#client.send(
        new PutObjectCommand({ ...this.#object(key), Body: data, ContentType: contentType }),
      );
      return { etag: bare(answer.ETag) };
    });
  }

  async putIf(key: string, body: Buffer | string, condition: PutCondition): Promise<{ etag: string } | undefined> {
    assertKey(key);
    const data = bodyOf(key, body);
    return this.#doing(`write ${key}`, async () => {
      for (let conflict = 1; ; conflict++) {
        const result = await this.#putIfOnce(key, data, condition);
        if (result !== "conflict") return result;
        if (conflict === MAX_CONFLICTS) {
          throw new KimtestError(
            "STORE_UNREACHABLE",
            `${this.url}: ${key} was being written by others at each of ${MAX_CONFLICTS} tries`,
          );
        }
        await delay(CONFLICT_PAUSE_MS * conflict);
      }
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    assertPrefix(prefix);
    const startAfter = options.startAfter;
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await this.#doing(`list "${prefix}"`, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + prefix,
            MaxKeys: Math.min(options.pageSize ?? this.#pageSize, this.#pageSize),
            ...(token === undefined ? {} : { ContinuationToken: token }),
            ...(token !== undefined || startAfter === undefined ? {} : { StartAfter: this.#prefix + startAfter }),
          }),
        ),
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        const key = (Key ?? "").slice(this.#prefix.length);
        if (faultOfKey(key) === undefined) yield { key, size: Size ?? 0, modified: LastModified ?? new Date(0) };
      }
      if (page.IsTruncated === true && (page.NextContinuationToken ?? token) === token) {
        throw new KimtestError("STORE_UNREACHABLE", `${this.url}: listing ${prefix} does not go on after a full page`);
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async writeFrom(key: string, source: Readable): Promise<{ etag: string }> {
    assertKey(key);
    return this.#doing(`write ${key}`, async () => {
      const body = Readable.from(limitedChunks(key, source), { objectMode: false });
      try {
        return await this.#upload(key, body, contentTypeOf(key));
      } finally {
        body.destroy();
        source.destroy();
      }
    });
  }

  async remove(key: string): Promise<void> {
    assertKey(key);
    await this.#doing(`remove ${key}`, () => this.#client.send(new DeleteObjectCommand(this.#object(key))));
  }

  close(): void {
    this.#client.destroy();
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #getObject(
    key: string,
    condition: Pick<GetObjectCommandInput, "Range" | "IfMatch"> = {},
  ): Promise<GetObjectCommandOutput | undefined> {
    assertKey(key);
    try {
      return await this.#client.send(new GetObjectCommand({ ...this.#object(key), ...condition }));
    } catch (error) {
      const { name, status } = factsOf(error);
      if (name === "NoSuchKey" || status === 412) return undefined;
      throw error;
    }
  }

  /** In parts; parts of an upload that fails are removed (and by the bucket's lifecycle if we are killed). */
  async #upload(key: string, body: Buffer | Readable, contentType: string): Promise<{ etag: string }> {
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#object(key), Body: body, ContentType: contentType },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    });
    const answer = await upload.done();
    return { etag: bare(answer.ETag) };
  }

  async #putIfOnce(
    key: string,
    data: Buffer,
    condition: PutCondition,
  ): Promise<{ etag: string } | undefined | "conflict"> {
    const writeId = randomUUID();
    try {
      const answer = await this.#client.send(
        new PutObjectCommand({
          ...this.#object(key),
          Body: data,
          ContentType: contentTypeOf(key),
          Metadata: { [WRITE_ID]: writeId },
          ...("ifAbsent" in condition ? { IfNoneMatch: "*" } : { IfMatch: `"${condition.ifMatch}"` }),
        }),
      );
      return { etag: bare(answer.ETag) };
    } catch (error) {
      const { name, status, attempts } = factsOf(error);
      if (status === 409) return "conflict";
      if (name === "NoSuchKey") return undefined; // ifMatch on an absent object
      if (status !== 412) throw error;
      // The SDK may have sent it twice: then the first may have been carried out and only its answer lost.
      return attempts > 1 ? this.#ownWrite(key, writeId) : undefined;
    }
  }

  /** The object's etag if it is there by the write with this id. */
  async #ownWrite(key: string, writeId: string): Promise<{ etag: string } | undefined> {
    const head = await this.#client.send(new HeadObjectCommand(this.#object(key)));
    return head.Metadata?.[WRITE_ID] === writeId ? { etag: bare(head.ETag) } : undefined;
  }

  async #doing<Result>(what: string, action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      throw s3Error(error, `${this.url}: cannot ${what}`, this.#profile);
    }
  }
}

/** Etags come quoted. */
const bare = (etag: string | undefined): string => (etag ?? "").replace(/^"|"$/g, "");

function infoOf(
  key: string,
  size: number | undefined,
  etag: string | undefined,
  modified: Date | undefined,
): ObjectInfo {
  return { key, size: size ?? 0, etag: bare(etag), modified: modified ?? new Date(0) };
}

/** Cold classes whose objects cannot be read at once. GLACIER_IR can. */
const ARCHIVES: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
function stateOf(answer: HeadObjectCommandOutput): Pick<ObjectHead, "checksum" | "availability" | "storageClass"> {
  const storageClass = answer.StorageClass ?? "STANDARD";
  const isArchived = ARCHIVES.has(storageClass) || answer.ArchiveStatus !== undefined;
  const restore = answer.Restore ?? "";
  const isRestored = restore.includes('ongoing-request="false"');
  const isRestoring = restore.includes('ongoing-request="true"');
  return {
    checksum: checksumOf(answer),
    availability: !isArchived || isRestored ? "ready" : isRestoring ? "restoring" : "archived",
    storageClass,
  };
}

/**
 * A checksum of the parts of an upload says nothing about the whole. An etag is the content's MD5 only where S3 holds
 * the key itself: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
function checksumOf(answer: HeadObjectCommandOutput): Checksum | undefined {
  const etag = bare(answer.ETag);
  // An upload in parts says so in its etag ("…-3"), and need not say so in the type.
  const isWhole = answer.ChecksumType === "FULL_OBJECT" || (answer.ChecksumType === undefined && !etag.includes("-"));
  const stored: readonly (readonly [Checksum["algorithm"], string | undefined])[] = [
    ["sha256", answer.ChecksumSHA256],
    ["sha1", answer.ChecksumSHA1],
    ["crc32", answer.ChecksumCRC32],
  ];
  for (const [algorithm, base64] of isWhole ? stored : []) {
    if (base64 !== undefined) return { algorithm, hex: Buffer.from(base64, "base64").toString("hex") };
  }
  const isPlain = (answer.ServerSideEncryption ?? "AES256") === "AES256" && answer.SSECustomerAlgorithm === undefined;
  return isPlain && /^[0-9a-f]{32}$/.test(etag) ? { algorithm: "md5", hex: etag } : undefined;
}

async function gather(stream: Readable, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (body.length !== size) throw new Error(`${body.length} of ${size} bytes came`);
  return body;
}

function brokenOff(error: unknown): Error {
  return Object.assign(new Error("the body broke off", { cause: error }), { name: "TimeoutError" });
}

/** Passes the body on; errors as ours, and never a quiet end before the last byte. */
async function* checkedChunks(body: Readable, info: ObjectInfo, offset: number, doing: string): AsyncGenerator<Buffer> {
  let bytes = offset;
  const broken = (cause?: unknown): Error =>
    new KimtestError("STORE_UNREACHABLE", `${doing}: broke off after ${bytes} of ${info.size} bytes`, { cause });
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw broken(error);
  }
  if (bytes !== info.size) throw broken();
}
