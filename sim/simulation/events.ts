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

const EVENT_NAMES: Readonly<Record<keyof typeof EVENT, string>> = {
  deliver: "a message arrives at",
  tick: "a tick of",
  diskDone: "the end of a disk job of",
  clientNext: "the next request of",
  clientTimeout: "a timeout of",
  restart: "the restart of",
  check: "a check of all replicas",
  crashFault: "a crash",
  partitionFault: "a partition",
  clogFault: "clogged links",
  linkFault: "a link that breaks",
  pauseFault: "a pause",
  slowDiskFault: "a slow disk",
  targetedCrash: "a crash in a view change of",
  clogNode: "clogged links of",
  clockJump: "a clock that jumps",
  byzantineStrike: "a lie",
};

const NAMES = Object.entries(EVENT).map(([name, kind]) => [kind, EVENT_NAMES[name as keyof typeof EVENT]] as const);

/** For people. */
export function describeEvent(kind: number, target: number, replicaCount: number): string {
  const name = NAMES.find(([candidate]) => candidate === kind)?.[1] ?? `event ${kind}`;
  if (kind === EVENT.clientNext || kind === EVENT.clientTimeout) return `${name} client ${target}`;
  if (!/ (of|at)$/.test(name)) return name;
  return target < replicaCount ? `${name} replica ${target}` : `${name} client ${target - replicaCount}`;
}
