/** Checks as people read them: the result, what was looked at, what was seen, and below it how to mend it. */
import type { ChalkInstance } from "chalk";
import { printable } from "../runner/phases/digest/printable.ts";

export interface CheckRow<Result extends string> {
  readonly result: Result;
  readonly name: string;
  readonly what: string;
  readonly fix: string | null;
}

/** `paint`: for each result there is; the longest is the width of its column. */
export function checkTable<Result extends string>(
  rows: readonly CheckRow<Result>[],
  paint: Readonly<Record<Result, ChalkInstance>>,
): string {
  const resultWidth = Math.max(...Object.keys(paint).map(({ length }) => length));
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length));
  const indent = " ".repeat(resultWidth + nameWidth + 4);
  return rows
    .map(({ name, result, what, fix }) => {
      const line = `${paint[result](result.padEnd(resultWidth))}  ${name.padEnd(nameWidth)}  ${printable(what)}\n`;
      return fix === null ? line : `${line}${indent}${printable(fix)}\n`;
    })
    .join("");
}

export const counted = (count: number, what: string): string =>
  `${count === 0 ? "no" : String(count)} ${what}${count === 1 ? "" : "s"}`;
