/** SIGINT and SIGTERM, noted instead of ending the process at once, so that what was found is not lost. */
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** The exit code to stop with; undefined until a signal has come. */
export type StopRequested = () => number | undefined;

export async function withSignals(body: (stopRequested: StopRequested) => Promise<number>): Promise<number> {
  let exitCode: number | undefined;
  const note = (signal: NodeJS.Signals): void => {
    exitCode = EXIT_BY_SIGNAL[signal as keyof typeof EXIT_BY_SIGNAL];
  };
  process.on("SIGINT", note).on("SIGTERM", note);
  try {
    return await body(() => exitCode);
  } finally {
    process.off("SIGINT", note).off("SIGTERM", note);
  }
}
