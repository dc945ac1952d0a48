/**
 * Text from elsewhere (failure messages, signatures, reasons, names in stored files), made safe to show.
 *
 * A terminal obeys escape sequences whoever wrote them, a newline can forge a line of ours ("cycle 9:
 * PASSED"), and bidirectional or zero-width characters show another text than the one that is there. So
 * everything that is printed for people and was not written by this program goes through here first.
 */

/** A field longer than this is cut; `--json` has the whole of it. */
const MAX_FIELD_LENGTH = 2_000;

const LINE_BREAKS_AND_TABS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Controls (C0, C1, DEL), format characters, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

const asCode = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** One line that shows every character: breaks and tabs are a space, the invisible ones their code point. */
export function printable(text: string): string {
  const cut = text.length > MAX_FIELD_LENGTH ? `${text.slice(0, MAX_FIELD_LENGTH)}…` : text;
  return cut.replace(LINE_BREAKS_AND_TABS, " ").replace(INVISIBLE, asCode);
}

/** The same for text of several lines that this program laid out: its newlines stay. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** A copy of stored data in which every string, property names included, is `printable`. */
export function printableData<T>(value: T): T {
  // The shape is the same, so is the type; the compiler cannot follow a walk over unknown data.
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null) return value;
  // fromEntries defines properties: a key "__proto__" stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [printable(key), copy(one)]));
}
