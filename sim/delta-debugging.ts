/**
 * Delta debugging: which of many circumstances a failure needs (Zeller and Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input", IEEE Transactions on Software Engineering 28, 2002: the algorithm ddmin).
 */

/**
 * The circumstances left when none can be left out any more. `fails` says whether it still fails with some of
 * them; it is never asked about all. With `isOver` it ends early, with what it has then.
 */
export async function minimized<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => Promise<boolean>,
  isOver: () => boolean,
): Promise<readonly Item[]> {
  let left = items;
  let parts = Math.min(2, left.length);
  while (parts > 0 && !isOver()) {
    const smaller = await reduced(left, parts, fails, isOver);
    if (smaller !== null) {
      left = smaller.left;
      parts = Math.min(Math.max(smaller.parts, 2), left.length);
    } else if (parts === left.length) {
      break;
    } else {
      parts = Math.min(parts * 2, left.length);
    }
  }
  return left;
}

/** One part alone that fails, or else all but one part; null when there is neither. */
async function reduced<Item>(
  items: readonly Item[],
  parts: number,
  fails: (items: readonly Item[]) => Promise<boolean>,
  isOver: () => boolean,
): Promise<{ left: readonly Item[]; parts: number } | null> {
  const borders = Array.from({ length: parts + 1 }, (_, part) => Math.floor((items.length * part) / parts));
  const isWhole = parts === 1;
  for (let part = 0; part < parts && parts > 2 && !isOver(); part++) {
    const alone = items.slice(borders[part], borders[part + 1]);
    if (await fails(alone)) return { left: alone, parts: 2 };
  }
  for (let part = 0; part < parts && !isOver(); part++) {
    const rest = [...items.slice(0, borders[part]), ...items.slice(borders[part + 1])];
    if (await fails(rest)) return { left: rest, parts: isWhole ? 0 : parts - 1 };
  }
  return null;
}
