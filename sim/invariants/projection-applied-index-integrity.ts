/** Index integrity: the index holds every row of the table once, in order, and nothing else (as PRAGMA integrity_check of SQLite). */
import { ABSENT } from "../database/operation.ts";
import type { Projection } from "../database/projection.ts";

export function brokenIndex(replica: number, projection: Projection): string | null {
  const { index, versions, appliedOp } = projection;
  let rows = 0;
  for (let cell = 0; cell < versions.length; cell++) if (projection.read(cell, appliedOp) !== ABSENT) rows += 1;
  if (rows !== index.length) return `the index of replica ${replica} has ${index.length} entries for ${rows} rows`;
  for (let at = 0; at < index.length; at++) {
    const { value, cell } = index[at]!;
    const before = index[at - 1];
    if (before !== undefined && (before.value > value || (before.value === value && before.cell >= cell))) {
      return `the index of replica ${replica} is out of order at ${at}`;
    }
    const found = projection.read(cell, appliedOp);
    if (found !== value) return `the index of replica ${replica} says ${value} for cell ${cell}, the table ${found}`;
  }
  return null;
}
