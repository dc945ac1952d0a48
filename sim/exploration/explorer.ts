/**
 * Bounded exhaustive exploration: breadth first through all worlds that can follow from the first, each
 * visited once, the invariants checked on the way into every one. The first violation found is therefore
 * one with a shortest trace. (Explicit-state model checking as in TLC: Yu, Manolios and Lamport, 1999.)
 *
 * A world itself is kept only while it waits. Of one that was visited its fingerprint stays (seen.ts) and which action
 * led there: its trace is had by doing these actions again.
 */
import { PROGRESS_INTERVAL_MS } from "../../contracts/progress.ts";
import type { PlantedBugs } from "../vsr/state.ts";
import { CanonicalFingerprint } from "./canonical.ts";
import { SeenWorlds } from "./seen.ts";
import { Successors } from "./successors.ts";
import type { FoundViolation, Scope, World } from "./world.ts";

export interface ExplorationLimits {
  readonly maxStates: number;
  readonly maxMemoryBytes: number;
  readonly deadlineMs: number;
  /** Told about once in `PROGRESS_INTERVAL_MS` how many worlds have been visited. */
  readonly onProgress?: (states: number) => void;
}

/** The process as an exploration sees it. */
export interface Surroundings {
  /** Must only grow. */
  readonly nowMs: () => number;
  /** Of the whole process. */
  readonly memoryBytes: () => number;
}

export interface ExplorationResult {
  /** Different worlds visited. */
  readonly states: number;
  /** Worlds that they stand for: those they can be renamed to (symmetry.ts), and themselves. */
  readonly represented: number;
  /** Actions taken between them. */
  readonly transitions: number;
  /** Actions on the longest shortest path. */
  readonly depth: number;
  /** True when nothing within the scope is left to be visited. */
  readonly complete: boolean;
  /** Which limit came first; null when none did. */
  readonly limit: "states" | "time" | "memory" | null;
  readonly violation: (FoundViolation & { readonly trace: readonly string[] }) | null;
}

/** Asking how much memory is used costs more than visiting a world. */
const WORLDS_PER_MEMORY_CHECK = 5_000;

export function explore(
  scope: Scope,
  bugs: PlantedBugs,
  limits: ExplorationLimits,
  surroundings: Surroundings,
): ExplorationResult {
  const successors = new Successors(scope, bugs);
  const fingerprint = new CanonicalFingerprint(successors.symmetry);
  const seen = new SeenWorlds();
  let represented = 0;
  /** The number of a world that is new; -1 for one that was seen. */
  const enter = (world: World, parent: number, action: number): number => {
    fingerprint.take(world);
    const number = seen.add(fingerprint.low, fingerprint.high, parent, action);
    if (number >= 0) represented += fingerprint.orbit;
    return number;
  };
  const first = successors.first();
  let frontier: (Waiting | null)[] = [{ world: first, number: enter(first, 0, 0) }];
  let depth = 0;
  let visited = 0;
  let saidMs = surroundings.nowMs();
  let transitions = 0;
  const result = (limit: ExplorationResult["limit"], violation: ExplorationResult["violation"]): ExplorationResult => ({
    states: seen.size,
    represented,
    transitions,
    depth,
    complete: limit === null && violation === null,
    limit,
    violation,
  });
  const limitReached = (nowMs: number): ExplorationResult["limit"] => {
    if (seen.size >= limits.maxStates) return "states";
    if (nowMs >= limits.deadlineMs) return "time";
    visited += 1;
    const isChecked = visited % WORLDS_PER_MEMORY_CHECK === 0;
    return isChecked && surroundings.memoryBytes() >= limits.maxMemoryBytes ? "memory" : null;
  };

  while (frontier.length > 0) {
    const next: (Waiting | null)[] = [];
    for (let place = 0; place < frontier.length; place++) {
      const { world, number } = frontier[place]!;
      frontier[place] = null; // nobody needs it any more, and there may be millions
      const nowMs = surroundings.nowMs();
      const limit = limitReached(nowMs);
      if (limit !== null) return result(limit, null);
      if (nowMs - saidMs >= PROGRESS_INTERVAL_MS) {
        saidMs = nowMs;
        limits.onProgress?.(seen.size);
      }
      const found = successors.of(world);
      for (let action = 0; action < found.length; action++) {
        const successor = found[action]!;
        transitions += 1;
        if (successor.violation !== null) {
          const trace = [...actionsOf(seen.pathTo(number), successors), successor.action()];
          depth = Math.max(depth, trace.length);
          return result(null, { ...successor.violation, trace });
        }
        const entered = enter(successor.world, number, action);
        if (entered >= 0) next.push({ world: successor.world, number: entered });
      }
    }
    if (next.length > 0) depth += 1;
    frontier = next;
  }
  return result(null, null);
}

/** Found, and its successors not looked at yet. */
interface Waiting {
  readonly world: World;
  readonly number: number;
}

/** The names of the actions on a path from the first world. */
function actionsOf(path: readonly number[], successors: Successors): string[] {
  let world = successors.first();
  return path.map((action) => {
    const successor = successors.of(world)[action]!;
    world = successor.world;
    return successor.action();
  });
}
