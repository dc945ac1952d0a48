/** A line as typed so far, split as a shell does it; the last word may be empty, or be in quotes that are still open. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? "";
    if (quote !== "") {
      if (character === quote) quote = "";
      else if (character === "\\" && quote === '"') word = (word ?? "") + (line[++index] ?? "");
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (character === "\\") word = (word ?? "") + (line[++index] ?? "");
    else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  return [...words, word ?? ""];
}

/** bash breaks words at = and : too, and wants only what follows the last of these. */
export const keptByBash = (typed: string): string => /^.*[=:]/s.exec(typed)?.[0] ?? "";
