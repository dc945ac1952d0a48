/**
 * The one error type and the one table of exit codes.
 *
 * A message names the thing, what happened and why; the hint is what to type or do next. Only the
 * entry points (cli/main.ts, sim/vopr.ts, …) turn an error into text and an exit code.
 */

/** Exit codes of every program of this project. */
export const EXIT = {
  ok: 0,
  failuresFound: 1,
  usage: 2,
  thresholdNotMet: 3,
  notFound: 4,
  network: 5,
  inconclusive: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What went wrong, for machines; each code has one exit code. */
const EXIT_BY_CODE = {
  USAGE: EXIT.usage,
  BAD_INPUT: EXIT.usage,
  THRESHOLD_NOT_MET: EXIT.thresholdNotMet,
  NOT_FOUND: EXIT.notFound,
  NOT_DEPLOYED: EXIT.notFound,
  STORE_UNREACHABLE: EXIT.network,
  STORE_REFUSED: EXIT.network,
  CLOUD_FAILED: EXIT.network,
  CORRUPT_DATA: EXIT.inconclusive,
  LIMIT_EXCEEDED: EXIT.inconclusive,
  TOOL_MISSING: EXIT.inconclusive,
  NOT_READY: EXIT.inconclusive,
  ALREADY_RUNNING: EXIT.usage,
  INTERRUPTED: EXIT.interrupted,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof EXIT_BY_CODE;

export class KimtestError extends Error {
  readonly code: ErrorCode;
  /** What to type or do next; undefined where nothing can be done. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "KimtestError";
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): ExitCode {
    return EXIT_BY_CODE[this.code];
  }
}

/** Not `instanceof Error`: an error may come from another realm (a worker, a test's VM context). */
function field(error: unknown, name: "message" | "code"): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value = (error as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

/** The reason in an unknown thrown value, on one line. */
export function reasonOf(error: unknown): string {
  return (field(error, "message") ?? String(error)).replace(/\s+/g, " ").trim();
}

/** The system error code (`ENOENT`, …) of a thrown value, or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  return field(error, "code");
}
