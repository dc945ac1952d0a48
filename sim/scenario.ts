/**
 * What a scenario is: a named mix of faults.
 *
 * Probabilities are per million, times are means. A seed does not get the whole mix: every kind of fault
 * is on or off and stronger or weaker by the dice of the seed (Groce et al., "Swarm Testing", 2012), so
 * that quiet seeds reach states that a constant storm never reaches.
 */
export interface NetworkFaults {
  readonly dropPerMillion: number;
  readonly duplicatePerMillion: number;
  /** So many messages are held back for `reorderDelayMs`, and overtaken. */
  readonly reorderPerMillion: number;
  readonly reorderDelayMs: number;
  /** 0: never. The cluster is split, one side or one direction. */
  readonly partitionEveryMs: number;
  readonly partitionForMs: number;
  /** A node's links are clogged: nothing is lost, everything waits. */
  readonly clogEveryMs: number;
  readonly clogForMs: number;
  /** One direction of one link loses everything. */
  readonly linkFailureEveryMs: number;
  readonly linkFailureForMs: number;
  /** A replica does nothing for a while, then goes on as if no time had passed. */
  readonly pauseEveryMs: number;
  readonly pauseForMs: number;
  /** Every replica's clock runs up to so much faster or slower. */
  readonly clockDriftPerMillion: number;
  /** A clock is set forward, by `clockJumpMs` on average. */
  readonly clockJumpEveryMs: number;
  readonly clockJumpMs: number;
}

/** How a replica lies; see simulation/byzantine.ts. */
export type Attack =
  | "equivocation"
  | "inflated-commit"
  | "commit-desync"
  | "invalid-metadata"
  | "forged-view-change"
  | "view-change-merge"
  | "tail-mismatch"
  | "identical-claims"
  | "oversized-start-view"
  | "invalid-repair-range"
  | "invalid-command";

export interface StorageFaults {
  readonly crashEveryMs: number;
  readonly downForMs: number;
  /** A replica that is changing views stops at that very moment, in so many of its steps. */
  readonly viewChangeCrashPerMillion: number;
  /** Of the crashes, so many take all replicas at once. */
  readonly powerLossPerMillion: number;
  /** Unsynced slots may be torn in a crash. */
  readonly tornWrites: boolean;
  /** While a replica is down, a slot or a copy of the superblock rots. */
  readonly corruptionPerMillion: number;
  readonly slowDiskEveryMs: number;
  readonly slowDiskForMs: number;
  /** An fsync fails; the replica stops at once, as it must. */
  readonly fsyncFailurePerMillion: number;
}

export const NO_NETWORK_FAULTS: NetworkFaults = {
  dropPerMillion: 0,
  duplicatePerMillion: 0,
  reorderPerMillion: 0,
  reorderDelayMs: 0,
  partitionEveryMs: 0,
  partitionForMs: 0,
  clogEveryMs: 0,
  clogForMs: 0,
  linkFailureEveryMs: 0,
  linkFailureForMs: 0,
  pauseEveryMs: 0,
  pauseForMs: 0,
  clockDriftPerMillion: 0,
  clockJumpEveryMs: 0,
  clockJumpMs: 0,
};

export const NO_STORAGE_FAULTS: StorageFaults = {
  crashEveryMs: 0,
  downForMs: 0,
  viewChangeCrashPerMillion: 0,
  powerLossPerMillion: 0,
  tornWrites: false,
  corruptionPerMillion: 0,
  slowDiskEveryMs: 0,
  slowDiskForMs: 0,
  fsyncFailurePerMillion: 0,
};

export interface Scenario {
  /** The name on the command line. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly description: string;
  /** In a `must-detect` scenario a replica lies in a way that this protocol cannot refuse: every seed must fail. */
  readonly expectation: "must-pass" | "must-detect";
  /** null: every replica is honest. */
  readonly attack: Attack | null;
  readonly network: NetworkFaults;
  readonly storage: StorageFaults;
  readonly maxEvents: number;
  readonly maxTimeMs: number;
  readonly clients: number;
  readonly requestsPerClient: number;
  readonly replicas: 3 | 5;
  readonly tenants: number;
  readonly keysPerTenant: number;
  /** Sessions that the database keeps; more clients than that take them from each other. */
  readonly sessions: number;
  /** Mean time between an answer and the next request. */
  readonly thinkTimeMs: number;
}
