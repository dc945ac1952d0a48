/** What of a build's output is the reason: the first error, and not what follows from it. */
import { lastWords } from "./tool-run.ts";

/** The first error of rustc, cargo or rustup with its place; else the last line that says something. */
export function compilerErrorIn(text: string): string {
  const error = /^(error(?:\[E\d+\])?: .*)(?:\n *--> (.*))?$/m.exec(text);
  if (error === null) return lastWords(text.replace(/\n+Stack backtrace:[\s\S]*$/, ""));
  const place = error[2] === undefined ? "" : ` (${error[2]})`;
  return `: ${(error[1] ?? "").slice(0, 200)}${place}`;
}
