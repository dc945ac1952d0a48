/**
 * Scenarios: named mixes of faults, as data.
 *
 * Probabilities are per million, times are means. A seed does not get the whole mix: every kind of fault
 * is on or off and stronger or weaker by the dice of the seed (Groce et al., "Swarm Testing", 2012), so
 * that quiet seeds reach states that a constant storm never reaches.
 */
import { KimtestError } from "../contracts/errors.ts";

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
}

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
  /** `must-detect` scenarios break the protocol on purpose; this version has none. */
  readonly expectation: "must-pass" | "must-detect";
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

const SWIZZLE_NETWORK: NetworkFaults = {
  ...NO_NETWORK_FAULTS,
  dropPerMillion: 20_000,
  duplicatePerMillion: 20_000,
  reorderPerMillion: 50_000,
  reorderDelayMs: 20,
  partitionEveryMs: 700,
  partitionForMs: 400,
  clogEveryMs: 250,
  clogForMs: 150,
  clockDriftPerMillion: 20_000,
};

const GRAY_NETWORK: NetworkFaults = {
  ...NO_NETWORK_FAULTS,
  dropPerMillion: 10_000,
  linkFailureEveryMs: 200,
  linkFailureForMs: 200,
  pauseEveryMs: 300,
  pauseForMs: 150,
  clockDriftPerMillion: 50_000,
};

const GRAY_STORAGE: StorageFaults = {
  ...NO_STORAGE_FAULTS,
  crashEveryMs: 1_500,
  downForMs: 300,
  slowDiskEveryMs: 400,
  slowDiskForMs: 400,
  fsyncFailurePerMillion: 500,
};

const COMBINED_NETWORK: NetworkFaults = {
  ...SWIZZLE_NETWORK,
  linkFailureEveryMs: 400,
  linkFailureForMs: 200,
  pauseEveryMs: 600,
  pauseForMs: 150,
};

const COMBINED_STORAGE: StorageFaults = {
  crashEveryMs: 350,
  downForMs: 200,
  viewChangeCrashPerMillion: 60_000,
  powerLossPerMillion: 100_000,
  tornWrites: true,
  corruptionPerMillion: 300_000,
  slowDiskEveryMs: 800,
  slowDiskForMs: 300,
  fsyncFailurePerMillion: 1_000,
};

const COMMON = { clients: 4, replicas: 3, tenants: 1, keysPerTenant: 6, sessions: 16, maxTimeMs: 10_000 } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    ...COMMON,
    name: "baseline",
    aliases: [],
    title: "Baseline (No Faults)",
    description: "no faults at all: every difference is the protocol's own",
    expectation: "must-pass",
    network: NO_NETWORK_FAULTS,
    storage: NO_STORAGE_FAULTS,
    maxEvents: 10_000,
    requestsPerClient: 40,
    thinkTimeMs: 8,
  },
  {
    ...COMMON,
    name: "swizzle",
    aliases: ["swizzle-clogging"],
    title: "Swizzle-Clogging",
    description: "links are clogged and unclogged in random order, with partitions, drops, duplicates, reordering",
    expectation: "must-pass",
    network: SWIZZLE_NETWORK,
    storage: NO_STORAGE_FAULTS,
    maxEvents: 15_000,
    requestsPerClient: 40,
    thinkTimeMs: 25,
  },
  {
    ...COMMON,
    name: "gray",
    aliases: ["gray-failures"],
    title: "Gray Failures",
    description: "slow disks, paused nodes, links that come and go, a crash now and then",
    expectation: "must-pass",
    network: GRAY_NETWORK,
    storage: GRAY_STORAGE,
    maxEvents: 15_000,
    requestsPerClient: 40,
    thinkTimeMs: 25,
  },
  {
    ...COMMON,
    name: "multi-tenant",
    aliases: [],
    title: "Multi-Tenant Isolation",
    description: "five tenants beside each other, while links clog, disks are slow and nodes stop",
    expectation: "must-pass",
    network: { ...SWIZZLE_NETWORK, pauseEveryMs: 300, pauseForMs: 150 },
    storage: GRAY_STORAGE,
    maxEvents: 25_000,
    maxTimeMs: 15_000,
    clients: 6,
    tenants: 5,
    keysPerTenant: 4,
    requestsPerClient: 40,
    thinkTimeMs: 25,
  },
  {
    ...COMMON,
    name: "combined",
    aliases: [],
    title: "Combined Faults",
    description: "everything: crashes, power loss, torn writes, corruption, partitions, clogging, slow disks, pauses",
    expectation: "must-pass",
    network: COMBINED_NETWORK,
    storage: COMBINED_STORAGE,
    maxEvents: 30_000,
    requestsPerClient: 40,
    thinkTimeMs: 30,
  },
];

/** What runs without `--scenario`: network and storage faults without the gray ones. */
export const DEFAULT_MIX: Scenario = {
  ...COMMON,
  name: "default",
  aliases: [],
  title: "Default Mix",
  description: "what runs when no scenario is named",
  expectation: "must-pass",
  network: { ...SWIZZLE_NETWORK, clogEveryMs: 0, clogForMs: 0 },
  storage: { ...COMBINED_STORAGE, slowDiskEveryMs: 0, slowDiskForMs: 0, crashEveryMs: 600 },
  maxEvents: 10_000,
  requestsPerClient: 40,
  thinkTimeMs: 25,
};

/** @throws KimtestError `USAGE` for a name that is none. */
export function scenarioNamed(name: string): Scenario {
  const wanted = name.toLowerCase();
  const scenario = SCENARIOS.find((candidate) => candidate.name === wanted || candidate.aliases.includes(wanted));
  if (scenario === undefined) {
    throw new KimtestError("USAGE", `there is no scenario "${name}"`, {
      hint: `scenarios: ${SCENARIOS.map((candidate) => candidate.name).join(", ")}`,
    });
  }
  return scenario;
}
