/** The scenarios of vopr, as data; what their fields mean is in scenario.ts. Names and aliases are Kimberlite's. */
import { KimtestError } from "../contracts/errors.ts";
import {
  NO_NETWORK_FAULTS,
  NO_STORAGE_FAULTS,
  type Attack,
  type NetworkFaults,
  type Scenario,
  type StorageFaults,
} from "./scenario.ts";

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
  clockJumpEveryMs: 800,
  clockJumpMs: 150,
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

const COMMON = {
  clients: 4,
  replicas: 3,
  tenants: 1,
  keysPerTenant: 6,
  sessions: 16,
  attack: null,
  maxTimeMs: 10_000,
} as const;

type Details = Partial<Scenario> & Pick<Scenario, "name" | "aliases" | "title" | "description">;

/** A scenario with no faults but those it names. */
function scenario(details: Details): Scenario {
  return {
    ...COMMON,
    expectation: "must-pass",
    network: NO_NETWORK_FAULTS,
    storage: NO_STORAGE_FAULTS,
    maxEvents: 20_000,
    requestsPerClient: 40,
    thinkTimeMs: 25,
    ...details,
  };
}

/** A replica that lies, among honest ones and without other faults. */
function byzantine(
  name: string,
  alias: string,
  title: string,
  attack: Attack,
  expectation: Scenario["expectation"],
  description: string,
): Scenario {
  // Among five an operation that three hold is not the same as one that everybody holds.
  const replicas = attack === "inflated-commit" || attack === "commit-desync" ? 5 : 3;
  return scenario({
    name: `byzantine_${name}`,
    aliases: [alias],
    title: `Byzantine: ${title}`,
    attack,
    expectation,
    replicas,
    description,
  });
}

const CRASHES: StorageFaults = {
  ...NO_STORAGE_FAULTS,
  crashEveryMs: 300,
  downForMs: 150,
  powerLossPerMillion: 100_000,
};
const CORRUPTION: StorageFaults = { ...CRASHES, corruptionPerMillion: 700_000 };
const CLOCKS: NetworkFaults = {
  ...NO_NETWORK_FAULTS,
  clockDriftPerMillion: 100_000,
  clockJumpEveryMs: 300,
  clockJumpMs: 150,
};

const MORE_SCENARIOS: readonly Scenario[] = [
  scenario({
    name: "time-compression",
    aliases: [],
    title: "Time Compression",
    description: "hours of idle time between requests, made short: no faults, few requests, much time",
    maxEvents: 50_000,
    maxTimeMs: 100_000,
    thinkTimeMs: 1_500,
  }),
  byzantine(
    "view_change_merge",
    "view-change-merge",
    "View Change Merge",
    "view-change-merge",
    "must-detect",
    "a vote for a new view names a log with something else in place of what was committed last",
  ),
  byzantine(
    "commit_desync",
    "commit-desync",
    "Commit Desync",
    "commit-desync",
    "must-detect",
    "now and then the primary says that what it has just prepared is committed",
  ),
  byzantine(
    "inflated_commit",
    "inflated-commit",
    "Inflated Commit",
    "inflated-commit",
    "must-detect",
    "the primary says that everything it prepares is committed",
  ),
  byzantine(
    "invalid_metadata",
    "invalid-metadata",
    "Invalid Metadata",
    "invalid-metadata",
    "must-detect",
    "the primary prepares entries whose view is not the one they were hashed with",
  ),
  byzantine(
    "malicious_view_change",
    "malicious-view-change",
    "Malicious View Change",
    "forged-view-change",
    "must-detect",
    "a vote for a new view names a stump of a log as the newest",
  ),
  byzantine(
    "leader_race",
    "leader-race",
    "Leader Race",
    "equivocation",
    "must-detect",
    "the primary prepares one entry here and another there under one number",
  ),
  byzantine(
    "dvc_tail_length_mismatch",
    "dvc-tail-mismatch",
    "DVC Tail Length Mismatch",
    "tail-mismatch",
    "must-pass",
    "votes for a new view name a log that nobody has: no repair ever finds it, the next view does without",
  ),
  byzantine(
    "dvc_identical_claims",
    "dvc-identical-claims",
    "DVC Identical Claims",
    "identical-claims",
    "must-pass",
    "the same vote for a new view again and again: it counts once",
  ),
  byzantine(
    "oversized_start_view",
    "oversized-start-view",
    "Oversized StartView",
    "oversized-start-view",
    "must-pass",
    "a StartView that names an end far beyond every log: it is never reached and never believed",
  ),
  byzantine(
    "invalid_repair_range",
    "invalid-repair-range",
    "Invalid Repair Range",
    "invalid-repair-range",
    "must-pass",
    "entries are asked for in ranges that do not exist: nobody answers",
  ),
  byzantine(
    "invalid_kernel_command",
    "invalid-kernel-command",
    "Invalid Kernel Command",
    "invalid-command",
    "must-pass",
    "requests that are no operations: none gets into the log",
  ),
  scenario({
    name: "corruption_bit_flip",
    aliases: ["bit-flip"],
    title: "Corruption: Bit Flip",
    description: "bits flip on the disks of replicas that are down",
    storage: CORRUPTION,
  }),
  scenario({
    name: "corruption_checksum_validation",
    aliases: ["checksum-validation"],
    title: "Corruption: Checksum Validation",
    description: "slots, superblocks and checkpoints rot and tear in most crashes: every read is checked",
    storage: { ...CORRUPTION, corruptionPerMillion: 900_000, tornWrites: true },
  }),
  scenario({
    name: "corruption_silent_disk_failure",
    aliases: ["silent-disk-failure"],
    title: "Corruption: Silent Disk Failure",
    description: "disks lose, tear and misplace writes, and say nothing",
    storage: { ...CORRUPTION, tornWrites: true, slowDiskEveryMs: 500, slowDiskForMs: 200 },
  }),
  scenario({
    name: "crash_during_commit",
    aliases: ["crash-commit"],
    title: "Crash: During Commit",
    description: "crashes while requests come thick and fast",
    storage: { ...CRASHES, crashEveryMs: 150, fsyncFailurePerMillion: 3_000, tornWrites: true },
    thinkTimeMs: 10,
  }),
  scenario({
    name: "crash_during_view_change",
    aliases: ["crash-view-change"],
    title: "Crash: During View Change",
    description: "replicas stop in the middle of changing views",
    network: { ...NO_NETWORK_FAULTS, partitionEveryMs: 400, partitionForMs: 400 },
    storage: { ...CRASHES, viewChangeCrashPerMillion: 250_000 },
    maxEvents: 25_000,
  }),
  scenario({
    name: "recovery_corrupt_log",
    aliases: ["recovery-corrupt"],
    title: "Recovery: Corrupt Log",
    description: "replicas come up with logs that cannot be trusted, while the network loses messages",
    network: { ...NO_NETWORK_FAULTS, dropPerMillion: 30_000 },
    storage: { ...CORRUPTION, crashEveryMs: 200, tornWrites: true },
  }),
  scenario({
    name: "gray_failure_slow_disk",
    aliases: ["slow-disk"],
    title: "Gray Failure: Slow Disk",
    description: "disks that are sixty times slower for a while",
    storage: { ...NO_STORAGE_FAULTS, slowDiskEveryMs: 150, slowDiskForMs: 400 },
    maxEvents: 15_000,
  }),
  scenario({
    name: "gray_failure_intermittent_network",
    aliases: ["intermittent-network"],
    title: "Gray Failure: Intermittent Network",
    description: "links that come and go, drops, clogging",
    network: { ...SWIZZLE_NETWORK, linkFailureEveryMs: 100, linkFailureForMs: 200 },
  }),
  scenario({
    name: "race_concurrent_view_changes",
    aliases: ["race-view-changes"],
    title: "Race: Concurrent View Changes",
    description: "five replicas whose clocks differ so much that they start views at once",
    replicas: 5,
    network: { ...CLOCKS, partitionEveryMs: 300, partitionForMs: 350, reorderPerMillion: 100_000, reorderDelayMs: 30 },
    maxEvents: 30_000,
  }),
  scenario({
    name: "race_commit_during_dvc",
    aliases: ["race-commit-dvc"],
    title: "Race: Commit During DVC",
    description: "view changes while messages of the old view are still under way",
    network: {
      ...NO_NETWORK_FAULTS,
      partitionEveryMs: 300,
      partitionForMs: 300,
      reorderPerMillion: 200_000,
      reorderDelayMs: 60,
      duplicatePerMillion: 50_000,
    },
    maxEvents: 25_000,
    thinkTimeMs: 10,
  }),
  scenario({
    name: "clock_drift",
    aliases: ["clock-drift"],
    title: "Clock: Drift Detection",
    description: "clocks run up to a tenth too fast or too slow",
    network: { ...NO_NETWORK_FAULTS, clockDriftPerMillion: 100_000, pauseEveryMs: 600, pauseForMs: 150 },
    maxEvents: 50_000,
    maxTimeMs: 30_000,
    thinkTimeMs: 60,
  }),
  scenario({
    name: "clock_offset_exceeded",
    aliases: ["clock-offset-exceeded"],
    title: "Clock: Offset Exceeded",
    description: "clocks jump ahead of each other",
    network: { ...CLOCKS, dropPerMillion: 10_000 },
    maxEvents: 30_000,
    maxTimeMs: 20_000,
    thinkTimeMs: 40,
  }),
  scenario({
    name: "clock_ntp_failure",
    aliases: ["clock-ntp-failure"],
    title: "Clock: NTP Failure",
    description: "clocks that nobody corrects, until somebody does so at once",
    network: { ...CLOCKS, clockDriftPerMillion: 200_000, clockJumpEveryMs: 1_500, clockJumpMs: 600 },
    storage: GRAY_STORAGE,
    maxEvents: 25_000,
    maxTimeMs: 20_000,
    thinkTimeMs: 40,
  }),
  scenario({
    name: "client_session_crash",
    aliases: ["session-crash"],
    title: "Client Session: Crash Recovery",
    description: "sessions and their last answers outlive crashes",
    network: { ...NO_NETWORK_FAULTS, dropPerMillion: 50_000, duplicatePerMillion: 50_000 },
    storage: CRASHES,
    clients: 8,
    maxEvents: 40_000,
    maxTimeMs: 15_000,
  }),
  scenario({
    name: "client_session_view_change_lockout",
    aliases: ["session-lockout"],
    title: "Client Session: View Change Lockout",
    description: "requests that a view change cuts in two are answered once, and no client is locked out",
    network: { ...SWIZZLE_NETWORK, dropPerMillion: 60_000, partitionEveryMs: 350 },
    storage: { ...CRASHES, viewChangeCrashPerMillion: 60_000 },
    clients: 8,
    maxEvents: 35_000,
    maxTimeMs: 20_000,
  }),
  scenario({
    name: "client_session_eviction",
    aliases: ["session-eviction"],
    title: "Client Session: Eviction",
    description: "more clients than sessions, of three tenants: they take them from each other",
    clients: 8,
    sessions: 5,
    tenants: 3,
    keysPerTenant: 4,
    network: { ...NO_NETWORK_FAULTS, dropPerMillion: 20_000 },
    requestsPerClient: 20,
    maxEvents: 100_000,
    maxTimeMs: 15_000,
  }),
];

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
  ...MORE_SCENARIOS,
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
