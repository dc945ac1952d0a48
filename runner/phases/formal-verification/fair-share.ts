/** How the time of the phase is divided: pure. */

/**
 * What the first of several may use of the time that is left, so that those after it are not starved: whoever wants
 * less than an even part has all it wants, the others share the rest evenly. Asked again before each, it hands on
 * what the earlier ones left over.
 */
export function fairShareMs(leftMs: number, wantsMs: readonly [first: number, ...later: number[]]): number {
  const [first] = wantsMs;
  let restMs = Math.max(0, leftMs);
  for (const [met, wantMs] of [...wantsMs].sort((a, b) => a - b).entries()) {
    const evenMs = restMs / (wantsMs.length - met);
    if (wantMs > evenMs) return Math.min(first, evenMs);
    restMs -= wantMs;
  }
  return first;
}
