/** Bodies checked against their limits, in one place for both stores and the outbox. */
import type { Readable } from "node:stream";

import { KimtestError } from "../../contracts/errors.ts";
import { MAX_BODY_BYTES, MAX_STREAM_BYTES } from "./object-store.ts";

export function tooLarge(where: string, key: string, bytes: number, maxBytes: number): KimtestError {
  return new KimtestError("LIMIT_EXCEEDED", `${where}: ${key} has ${bytes} bytes, more than the limit of ${maxBytes}`, {
    hint: "read or write it as a stream",
  });
}

/** @throws KimtestError `LIMIT_EXCEEDED` beyond `MAX_BODY_BYTES`. */
export function bodyOf(key: string, body: Buffer | string): Buffer {
  const data = typeof body === "string" ? Buffer.from(body) : body;
  if (data.length > MAX_BODY_BYTES) throw tooLarge("one put", key, data.length, MAX_BODY_BYTES);
  return data;
}

/**
 * The chunks of a source up to `MAX_STREAM_BYTES`. A source that is destroyed before its end throws here,
 * so that half a stream is never taken for a whole object.
 */
export async function* limitedChunks(key: string, source: Readable): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer | string>) {
    const data = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    bytes += data.length;
    if (bytes > MAX_STREAM_BYTES) throw tooLarge("the source", key, bytes, MAX_STREAM_BYTES);
    yield data;
  }
}
