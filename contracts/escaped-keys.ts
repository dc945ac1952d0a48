/**
 * Keys that are written with an escape, read rightly.
 *
 * V8 (Node.js 24 and 26) reads such a key as another one when an object was read before whose key looks like the
 * escape: after `{"\\": 0}`, the text `{"\"": 0}` comes back as `{"\\": 0}` again. Found by our own fuzz target `json`;
 * https://github.com/nodejs/node/issues/63785. So these keys, which are rare, are read one by one, as strings, and
 * V8 is given plain ones in their place. To be removed when the Node.js that we ask for has the bug no more.
 */

/** Begins every stand-in. A private-use character: in a text that has it, nothing is replaced. */
const MARK = "\u{f0000}";
const SPACE = " \t\n\r";

/** `parse`: of a text without such keys. Throws what it throws. */
export function parseWithEscapedKeys(text: string, parse: (text: string) => unknown): unknown {
  if (!text.includes("\\") || text.includes(MARK)) return parse(text);
  const { plain, names } = withPlainKeys(text);
  if (names.length === 0) return parse(text);
  let value: unknown;
  try {
    value = parse(plain);
  } catch {
    return parse(text); // what is wrong, in the words of the text itself
  }
  return withNames(value, names);
}

/** One pass over the strings of the text; the rest of a text that is cut inside a string stays as it is. */
function withPlainKeys(text: string): { plain: string; names: string[] } {
  const names: string[] = [];
  let plain = "";
  let copied = 0;
  let backslash = text.indexOf("\\");
  for (let open = text.indexOf('"'); open !== -1 && backslash !== -1;) {
    const close = endOfString(text, open);
    if (close === -1) break;
    while (backslash !== -1 && backslash < open) backslash = text.indexOf("\\", open);
    if (backslash !== -1 && backslash < close) {
      if (isBeforeColon(text, close + 1)) {
        plain += `${text.slice(copied, open)}"${MARK}${names.length}"`;
        copied = close + 1;
        names.push(JSON.parse(text.slice(open, close + 1)) as string);
      }
      backslash = text.indexOf("\\", close);
    }
    open = text.indexOf('"', close + 1);
  }
  return { plain: plain + text.slice(copied), names };
}

/** The quote that ends the string: the first before which stands an even number of backslashes. -1: there is none. */
function endOfString(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let before = quote;
    while (text[before - 1] === "\\") before -= 1;
    if ((quote - before) % 2 === 0) return quote;
  }
  return -1;
}

function isBeforeColon(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && SPACE.includes(text[at]!)) at += 1;
  return text[at] === ":";
}

function withNames(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => withNames(one, names));
  const entries = Object.entries(value).map(([key, one]) => [nameOf(key, names), withNames(one, names)] as const);
  return Object.fromEntries(entries);
}

const nameOf = (key: string, names: readonly string[]): string =>
  key.startsWith(MARK) ? names[Number(key.slice(MARK.length))]! : key;
