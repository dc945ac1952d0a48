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

export class TraceFile {
  private readonly path: string;
  private readonly format: TraceFormat;
  private readonly append: (path: string, text: string) => Promise<void>;
  private readonly replace: (path: string, bytes: Buffer) => Promise<void>;
  private written = 0;

  constructor(
    path: string,
    format: TraceFormat,
    files: {
      readonly appendFile: (path: string, text: string) => Promise<void>;
      readonly writeFile: (path: string, bytes: Buffer) => Promise<void>;
    },
  ) {
    this.path = path;
    this.format = format;
    this.append = files.appendFile;
    this.replace = files.writeFile;
  }

  async open(): Promise<void> {
    if (this.format === "json") await this.replace(this.path, Buffer.from("["));
  }

  async add(seed: bigint, trace: Trace): Promise<void> {
    await this.append(this.path, this.format === "json" ? this.element(seed, trace) : linesOf(seed, trace));
    this.written += 1;
  }

  private element(seed: bigint, trace: Trace): string {
    const comma = this.written === 0 ? "" : ",";
    return `${comma}\n{"seed":${seed},"recorded":${trace.recorded},"events":${JSON.stringify(trace.events)}}`;
  }

  /** Also when the batch was stopped: what is in the file is valid. */
  async close(): Promise<void> {
    if (this.format === "json") await this.append(this.path, "\n]\n");
  }
}

/** One event per line. */
export function linesOf(seed: bigint, trace: Trace): string {
  return trace.events.map((event) => `{"seed":${seed},${JSON.stringify(event).slice(1)}\n`).join("");
}
