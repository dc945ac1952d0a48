/** What can happen in a simulation, the dice it throws, and the sizes that all its parts share. */

export const EVENT = {
  deliver: 0,
  tick: 1,
  diskDone: 2,
  clientNext: 3,
  clientTimeout: 4,
  restart: 5,
  check: 6,
  crashFault: 7,
  partitionFault: 8,
  clogFault: 9,
  linkFault: 10,
  pauseFault: 11,
  slowDiskFault: 12,
  targetedCrash: 13,
  clogNode: 14,
  clockJump: 15,
  byzantineStrike: 16,
} as const;

/** Streams of random numbers; see random.ts. */
export const STREAM = { network: 1, disk: 2, faults: 3, workload: 4, mix: 5, queries: 6 } as const;
