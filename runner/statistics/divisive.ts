/**
 * The energy statistic of E-divisive (Matteson and James 2014): where a series is best cut in two.
 *
 * It compares how far values of the two parts lie from each other with how far values of one part lie from
 * each other, so it needs no model of the noise. Distances are absolute (their exponent alpha is 1).
 */

export interface Split {
  /** The first index of the second part. */
  readonly index: number;
  /** Scaled energy distance between the parts; larger is more different, about 0 for the same noise. */
  readonly statistic: number;
}

/**
 * The best cut that leaves at least `minimum` values (2 or more) on each side; undefined when there is no room.
 * Quadratic in the length: each value that moves from right to left updates three sums of distances.
 */
export function bestSplit(values: readonly number[], minimum: number): Split | undefined {
  if (minimum < 2) throw new RangeError("a part of one value has no spread");
  const length = values.length;
  let withinLeft = 0;
  let withinRight = 0;
  let across = 0;
  for (let one = 0; one < length; one += 1)
    for (let other = one + 1; other < length; other += 1) withinRight += Math.abs(values[one]! - values[other]!);

  let best: Split | undefined;
  for (let index = 1; index <= length - minimum; index += 1) {
    const moved = values[index - 1]!;
    let toLeft = 0;
    let toRight = 0;
    for (let other = 0; other < index - 1; other += 1) toLeft += Math.abs(moved - values[other]!);
    for (let other = index; other < length; other += 1) toRight += Math.abs(moved - values[other]!);
    withinLeft += toLeft;
    withinRight -= toRight;
    across += toRight - toLeft;
    if (index < minimum) continue;
    const statistic = energy(across, withinLeft, withinRight, index, length - index);
    if (best === undefined || statistic > best.statistic) best = { index, statistic };
  }
  return best;
}

function energy(across: number, withinLeft: number, withinRight: number, left: number, right: number): number {
  const between = (2 * across) / (left * right);
  const within = (2 * withinLeft) / (left * (left - 1)) + (2 * withinRight) / (right * (right - 1));
  return ((left * right) / (left + right)) * (between - within);
}
