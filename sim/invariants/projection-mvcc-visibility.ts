/**
 * Visibility: the projection read as of an op shows exactly what was committed up to it (snapshot reads;
 * Berenson et al., "A Critique of ANSI SQL Isolation Levels", 1995). The model of data correctness says what
 * that was.
 */
import type { Projection } from "../database/projection.ts";
import type { Model } from "./data-correctness.ts";

export function wrongVersion(
  replica: number,
  projection: Projection,
  model: Model,
  cell: number,
  op: number,
): string | null {
  const found = projection.read(cell, op);
  const expected = model.valueAt(cell, op);
  if (found === expected) return null;
  return `as of op ${op} the projection of replica ${replica} shows ${found} in cell ${cell}, committed was ${expected}`;
}
