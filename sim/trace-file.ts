/**
 * Traces as files: NDJSON, one event per line with its seed, which is added to; or one JSON array of
 * `{seed, recorded, events}`, which is closed when the batch ends and replaces what was there before.
 */
import { extname } from "node:path";
import type { Trace } from "./trace.ts";

export const TRACE_FORMATS = ["ndjson", "json"] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

/** By the name of the file, unless somebody says. */
export function formatOf(path: string): TraceFormat {
  return extname(path).toLowerCase() === ".json" ? "json" : "ndjson";
}

/** What a trace file needs from outside. */
export interface TraceFileDeps {
  /** Adds to the end of a file. */
  readonly appendFile: (path: string, text: string) => Promise<void>;
  /** Replaces a file. */
  readonly writeFile: (path: string, bytes: Buffer) => Promise<void>;
  /** Bytes; 0 for a file that is not there. */
  readonly sizeOf: (path: string) => Promise<number>;
  /** Tells people. */
  readonly warn: (text: string) => void;
}

const MEBIBYTE = 1024 * 1024;
const OPENING = "[";
const CLOSING = "\n]\n";

export class TraceFile {
  private readonly path: string;
  private readonly format: TraceFormat;
  private readonly maxMebibytes: number;
  private readonly deps: TraceFileDeps;
  private bytes = 0;
  written = 0;
  /** Traces that found no room. */
  leftOut = 0;

  constructor(path: string, format: TraceFormat, maxMebibytes: number, deps: TraceFileDeps) {
    this.path = path;
    this.format = format;
    this.maxMebibytes = maxMebibytes;
    this.deps = deps;
  }

  async open(): Promise<void> {
    if (this.format === "json") await this.deps.writeFile(this.path, Buffer.from(OPENING));
    this.bytes = this.format === "json" ? OPENING.length + CLOSING.length : await this.deps.sizeOf(this.path);
  }

  /** One trace that did not fit, and no other is written: the file has the first ones, and no gaps between. */
  get isFull(): boolean {
    return this.leftOut > 0;
  }

  /** `trace` is null for one that was not even recorded, because the file is full. */
  async add(seed: bigint, trace: Trace | null): Promise<void> {
    if (trace === null || this.isFull) {
      this.leftOut += 1;
      return;
    }
    const text = this.format === "json" ? this.element(seed, trace) : linesOf(seed, trace);
    this.bytes += Buffer.byteLength(text);
    if (this.bytes > this.maxMebibytes * MEBIBYTE) {
      this.leftOut += 1;
      this.deps.warn(
        `${this.path} may have ${this.maxMebibytes} MiB: no trace is added to it from seed ${seed} on\n` +
          "hint: --trace-max-mebibytes N allows more; --trace-filter and --trace-events make traces smaller",
      );
      return;
    }
    await this.deps.appendFile(this.path, text);
    this.written += 1;
  }

  private element(seed: bigint, trace: Trace): string {
    const comma = this.written === 0 ? "" : ",";
    return `${comma}\n{"seed":${seed},"recorded":${trace.recorded},"events":${JSON.stringify(trace.events)}}`;
  }

  /** Also when the batch was stopped: what is in the file is valid. */
  async close(): Promise<void> {
    if (this.format === "json") await this.deps.appendFile(this.path, CLOSING);
  }
}

/** One event per line. */
export function linesOf(seed: bigint, trace: Trace): string {
  return trace.events.map((event) => `{"seed":${seed},${JSON.stringify(event).slice(1)}\n`).join("");
}
