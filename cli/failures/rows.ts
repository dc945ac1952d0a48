/** Rows as they come, as lines for people or as one JSON object for programs: nothing waits for the last one. */
import { jsonLine } from "../json.ts";

export interface Rows<T> {
  /** So far. */
  readonly count: number;
  add(rows: readonly T[]): void;
  /** `more`: there are rows that were not asked for. */
  end(more: boolean): void;
}

export type Shape<T> =
  { readonly line: (row: T) => string } | { readonly json: (row: T) => Readonly<Record<string, unknown>> };

/** `name`: of the list in the JSON object. */
export function openRows<T>(name: string, out: (text: string) => void, shape: Shape<T>): Rows<T> {
  let count = 0;
  const textOf = (row: T, index: number): string => {
    if ("line" in shape) return `${shape.line(row)}\n`;
    return `${count + index === 0 ? `{ "${name}": [` : ","}\n  ${jsonLine(shape.json(row)).trimEnd()}`;
  };
  return {
    get count() {
      return count;
    },
    add(rows) {
      if (rows.length > 0) out(rows.map(textOf).join(""));
      count += rows.length;
    },
    end(more) {
      if ("json" in shape) out(`${count === 0 ? `{ "${name}": [` : "\n"}], "more": ${String(more)} }\n`);
    },
  };
}
