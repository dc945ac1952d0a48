/** JSON on stdout, for `--json`. */
import { stringifyJson } from "../contracts/json.ts";

/** JSON itself escapes only C0: these act on a terminal, too. Escaped, they are the same value. */
const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const jsonText = (value: unknown): string => escapedJson(value, 2);

/** On one line, for `--json` of what has no end. */
export const jsonLine = (value: unknown): string => escapedJson(value, 0);

function escapedJson(value: unknown, indent: number): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${stringifyJson(value, indent).replace(INVISIBLE, escaped)}\n`;
}
