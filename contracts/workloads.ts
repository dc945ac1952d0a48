/** The phases that test. Kept free of zod: the help of `kimtest cycle` names them. */
export const WORKLOADS = ["formal-verification", "benchmarks", "fuzz", "vopr"] as const;
export type Workload = (typeof WORKLOADS)[number];
