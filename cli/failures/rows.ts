/** Rows as they come, as lines for people or as one JSON object for programs: nothing waits for the last one. */
import { jsonLine } from "../json.ts";

export interface Rows<T> {
  /** So far. */
  readonly count: number;
  add(rows: readonly T[]): void;
  /** `more`: there are rows that were not asked for. */
  end(more: boolean): void;
}

/** `name`: of the list in the JSON object. */
export function openRows<T>(
  name: string,
  isJson: true | undefined,
  out: (text: string) => void,
  line: (row: T) => string,
): Rows<T> {
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(rows) {
      if (rows.length === 0) return;
      const json = (row: T, index: number): string =>
        `${count + index === 0 ? `{ "${name}": [` : ","}\n  ${jsonLine(row).trimEnd()}`;
      out(isJson ? rows.map(json).join("") : rows.map((row) => `${line(row)}\n`).join(""));
      count += rows.length;
    },
    end(more) {
      if (isJson) out(`${count === 0 ? `{ "${name}": [` : "\n"}], "more": ${String(more)} }\n`);
    },
  };
}
