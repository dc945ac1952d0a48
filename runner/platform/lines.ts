/** Splits a byte stream into lines, with a limit on each: a line without an end must not fill the memory. */
import { StringDecoder } from "node:string_decoder";

export interface LineSplitter {
  /** Complete lines in this chunk, without their newline; undefined once a line has grown past the limit. */
  push(chunk: Buffer): string[] | undefined;
  /** What stands after the last newline; empty when the stream ended cleanly. */
  rest(): string;
}

/** `maxLineLength` is in UTF-16 units. */
export function lineSplitter(maxLineLength: number): LineSplitter {
  const decoder = new StringDecoder("utf8");
  // Pieces of the unfinished line, joined once: joining at every chunk would be quadratic in a flood.
  let pieces: string[] = [];
  let piecesLength = 0;
  const begin = (text: string): void => {
    pieces = text === "" ? [] : [text];
    piecesLength = text.length;
  };
  return {
    push(chunk) {
      const lines = decoder.write(chunk).split("\n");
      const unfinished = lines.pop() ?? "";
      if (lines.length === 0) {
        pieces.push(unfinished);
        piecesLength += unfinished.length;
      } else {
        lines[0] = pieces.join("") + (lines[0] ?? "");
        begin(unfinished);
      }
      const tooLong = piecesLength > maxLineLength || lines.some((line) => line.length > maxLineLength);
      if (!tooLong) return lines;
      begin("");
      return undefined;
    },
    rest: () => pieces.join("") + decoder.end(),
  };
}

/** Keeps the first and the last bytes of a stream, for evidence. */
export class HeadAndTail {
  readonly #limit: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  /** The newest chunks as they came, no copies: at most the limit and one chunk more. */
  readonly #tail: Buffer[] = [];
  #tailBytes = 0;
  #bytes = 0;

  /** `limit`: bytes kept of the head, and of the tail. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const room = Math.min(this.#limit - this.#headBytes, chunk.length);
    if (room > 0) {
      this.#head.push(chunk.subarray(0, room));
      this.#headBytes += room;
    }
    if (room === chunk.length) return;
    this.#tail.push(chunk.subarray(room));
    this.#tailBytes += chunk.length - room;
    for (let oldest = this.#tail[0]; oldest !== undefined; oldest = this.#tail[0]) {
      if (this.#tailBytes - oldest.length < this.#limit) break;
      this.#tail.shift();
      this.#tailBytes -= oldest.length;
    }
  }

  toString(): string {
    const tail = Buffer.concat(this.#tail).subarray(-this.#limit);
    const kept = this.#tailBytes === 0 ? "" : tail.toString("utf8");
    const left = this.#bytes - this.#headBytes - Math.min(this.#tailBytes, this.#limit);
    const gap = left > 0 ? `\n[… ${String(left)} bytes left out …]\n` : "";
    return Buffer.concat(this.#head).toString("utf8") + gap + kept;
  }
}
