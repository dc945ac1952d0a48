/** Text that was laid out for 100 columns, on a narrower terminal. Pure. */
import { wrapped } from "../runner/phases/digest/layout.ts";

/** What is meant to be pasted stays on its line. */
export const PASTED = /^ *(?:repro: |kimtest |store: |log: |raw output: )/;
/** A column that begins in this part of a line is where the line goes on. */
const COLUMN_SHARE = 0.6;

export function fitted(text: string, columns: number): string {
  return text
    .split("\n")
    .flatMap((line) =>
      line.length <= columns || PASTED.test(line) ? line : wrapped(line, indentOf(line, columns), columns),
    )
    .join("\n");
}

/** Under the last column of the line, or a little below its beginning. */
function indentOf(line: string, columns: number): number {
  const starts = [...line.matchAll(/ {2,}(?=\S)/g)].map(({ index, 0: gap }) => index + gap.length);
  const column = starts.filter((start) => start <= columns * COLUMN_SHARE).at(-1) ?? 0;
  const leading = line.length - line.trimStart().length;
  return column > leading ? column : leading + 2;
}
