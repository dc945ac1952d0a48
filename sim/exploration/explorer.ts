/**
 * Bounded exhaustive exploration: breadth first through all worlds that can follow from the first, each
 * visited once, the invariants checked on the way into every one. The first violation found is therefore
 * one with a shortest trace. (Explicit-state model checking as in TLC: Yu, Manolios and Lamport, 1999.)
 */
import { PROGRESS_INTERVAL_MS } from "../../contracts/progress.ts";
import type { PlantedBugs } from "../vsr/state.ts";
import { Successors } from "./successors.ts";
import { keyOf, type FoundViolation, type Scope, type World } from "./world.ts";

export interface ExplorationLimits {
  readonly maxStates: number;
  readonly deadlineMs: number;
  /** Told about once in `PROGRESS_INTERVAL_MS` how many worlds have been visited. */
  readonly onProgress?: (states: number) => void;
}

export interface ExplorationResult {
  /** Different worlds visited. */
  readonly states: number;
  /** Actions taken between them. */
  readonly transitions: number;
  /** Actions on the longest shortest path. */
  readonly depth: number;
  /** True when nothing within the scope is left to be visited. */
  readonly complete: boolean;
  readonly violation: (FoundViolation & { readonly trace: readonly string[] }) | null;
}

/** `nowMs` must only grow; it is asked once per world. */
export function explore(
  scope: Scope,
  bugs: PlantedBugs,
  limits: ExplorationLimits,
  nowMs: () => number,
): ExplorationResult {
  const successors = new Successors(scope, bugs);
  const first = successors.first();
  const seen = new Set<string>([keyOf(first)]);
  // How each world was reached first; worlds themselves are kept only while they wait.
  const parents: number[] = [-1];
  const actions: (() => string)[] = [() => ""];
  let frontier: { world: World; index: number }[] = [{ world: first, index: 0 }];
  let depth = 0;
  let saidMs = nowMs();
  let transitions = 0;
  const result = (complete: boolean, violation: ExplorationResult["violation"]): ExplorationResult => ({
    states: seen.size,
    transitions,
    depth,
    complete,
    violation,
  });

  while (frontier.length > 0) {
    const next: { world: World; index: number }[] = [];
    for (const { world, index } of frontier) {
      const now = nowMs();
      if (seen.size >= limits.maxStates || now >= limits.deadlineMs) return result(false, null);
      if (now - saidMs >= PROGRESS_INTERVAL_MS) {
        saidMs = now;
        limits.onProgress?.(seen.size);
      }
      for (const successor of successors.of(world)) {
        transitions += 1;
        if (successor.violation !== null) {
          const trace = [...traceTo(index, parents, actions), successor.action()];
          depth = Math.max(depth, trace.length);
          return result(false, { ...successor.violation, trace });
        }
        const key = keyOf(successor.world);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ world: successor.world, index: parents.length });
        parents.push(index);
        actions.push(successor.action);
      }
    }
    if (next.length > 0) depth += 1;
    frontier = next;
  }
  return result(true, null);
}

function traceTo(index: number, parents: readonly number[], actions: readonly (() => string)[]): string[] {
  const trace: string[] = [];
  for (let at = index; at > 0; at = parents[at]!) trace.push(actions[at]!());
  return trace.reverse();
}
