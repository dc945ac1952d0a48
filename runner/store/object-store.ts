/**
 * What the runner and the CLI know of the place where everything lives: named objects, no more.
 *
 * Two implementations, a folder (the embedded default) and S3 (the deployed one), pass the same suite
 * (store-contract.ts), so that whatever works on a laptop works on the instance. An interface this small
 * is what both can promise: no rename, no append, and nothing is removed but by name, one object at a time.
 *
 * All methods throw `KimtestError`: `BAD_INPUT` for a key that no store takes (keys.ts),
 * `STORE_UNREACHABLE` when trying again later may help, `STORE_REFUSED` when it will not without a change
 * (permissions, credentials), `NOT_FOUND` when the bucket itself is missing, `LIMIT_EXCEEDED`.
 */
import type { Readable } from "node:stream";

const MEBIBYTE = 1024 * 1024;

/** Objects that travel as one Buffer are at most this large; larger ones are streamed. */
export const MAX_BODY_BYTES = 64 * MEBIBYTE;
/** S3 takes at most 10,000 parts in one upload; at 8 MiB each that is 78 GiB. */
export const MAX_STREAM_BYTES = 64 * 1024 * MEBIBYTE;

/** What a listing tells. No etag: a folder would have to read every file for it. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
}

export interface ObjectInfo extends ListedObject {
  /** Changes when the content changes; opaque, without quotes; only for `putIf` and comparing. */
  readonly etag: string;
}

/** Of the whole content, as hexadecimal digits. */
export interface Checksum {
  readonly algorithm: "sha256" | "sha1" | "crc32" | "md5";
  readonly hex: string;
}

export interface ObjectHead extends ObjectInfo {
  /** undefined: the store keeps none that says something about the whole content. */
  readonly checksum: Checksum | undefined;
  /** `archived`: it can be read only after `restore` and hours of waiting, in which it is `restoring`. */
  readonly availability: "ready" | "archived" | "restoring";
  /** Such as DEEP_ARCHIVE, for people. */
  readonly storageClass: string;
}

export interface ReadOptions {
  /** The stream begins with this byte; it must be one of the object's. */
  readonly offset?: number;
  /** Only if the object still has this etag. */
  readonly etag?: string;
}

export interface StoredObject extends ObjectInfo {
  readonly body: Buffer;
}

export type PutCondition = { readonly ifAbsent: true } | { readonly ifMatch: string };

export interface GetOptions {
  /** A larger object is refused with `LIMIT_EXCEEDED` before its body is read; default `MAX_BODY_BYTES`. */
  readonly maxBytes?: number;
}

export interface PutOptions {
  /** MIME type; by default from the end of the key. A folder has no place for it. */
  readonly contentType?: string;
}

export interface ListOptions {
  /** Only keys after this one (it need not exist). */
  readonly startAfter?: string;
  /** Objects that are fetched at once, where a store has pages; fewer come sooner. At most 1000, the default. */
  readonly pageSize?: number;
}

export interface ObjectStore {
  /** `s3://bucket[/prefix]` or an absolute folder path. */
  readonly url: string;

  /** The whole object, or undefined when there is none. */
  get(key: string, options?: GetOptions): Promise<StoredObject | undefined>;

  /** Writes the whole object; readers see the old one or the new one, never a part. At most `MAX_BODY_BYTES`. */
  put(key: string, body: Buffer | string, options?: PutOptions): Promise<{ etag: string }>;

  /**
   * As `put`, but only if the condition holds at that moment, whoever else is writing.
   *
   * @returns undefined when it does not (nothing is written): read again, decide again.
   */
  putIf(key: string, body: Buffer | string, condition: PutCondition): Promise<{ etag: string } | undefined>;

  /**
   * The objects whose key starts with `prefix` (which need not end at a `/`), ascending in UTF-8 byte order,
   * fetched as they are consumed. Objects whose key this interface would not take are left out.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;

  /** What is known of the object without reading it, or undefined when there is none. */
  head(key: string): Promise<ObjectHead | undefined>;

  /** Asks for a readable copy of an archived object, to be kept for so many days; it takes hours. */
  restore(key: string, days: number): Promise<void>;

  /**
   * The object as a stream, or undefined when there is none (with that etag). The stream errors when it is cut short;
   * read it without long pauses (S3 ends an idle connection) and to its end, or destroy it.
   */
  openRead(key: string, options?: ReadOptions): Promise<{ info: ObjectInfo; stream: Readable } | undefined>;

  /** Writes the object from a stream; when the source errors, nothing is left behind. At most `MAX_STREAM_BYTES`. */
  writeFrom(key: string, source: Readable): Promise<{ etag: string }>;

  /**
   * Removes the object; nothing happens when there is none. For the fuzz corpus alone: the instance may delete
   * nothing else (infra/instance-policy.ts).
   */
  remove(key: string): Promise<void>;

  /** Frees connections; the store must not be used afterwards. */
  close(): void;
}
