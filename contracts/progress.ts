/**
 * Lines of progress, by which a program that works for long shows that it moves. Kept free of zod: the
 * simulator's programs import it. The schema is in programs.ts.
 */

/** A program that works for longer than this prints a line about as often. */
export const PROGRESS_INTERVAL_MS = 60_000;

/** How such a line begins, so that it can be told from the object that follows. */
export const PROGRESS_BEGIN = '{"progress":';

/** `of` names what is counted: states, executions. */
export const progressLine = (done: number, of: string): string => `${PROGRESS_BEGIN}${JSON.stringify({ done, of })}}\n`;
