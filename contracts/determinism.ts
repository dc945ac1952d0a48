/**
 * Stands where an invariant is named: two runs of a seed differ. It is no invariant, so it is looked for only where
 * flags ask for it.
 */
export const DETERMINISM = "determinism";
