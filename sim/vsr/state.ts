/**
 * What a replica knows, and what one step of it may ask of the world.
 *
 * A replica is a state machine: `step(state, input, outputs)` in replica.ts changes the state and fills
 * the outputs, and touches nothing else. Time, network and disk are the caller's: a simulation, an
 * exhaustive exploration, or one day real sockets and files.
 */
import { Database, type DatabaseBugs, type DatabaseSize } from "../database/database.ts";
import { Projection, type ProjectionBugs } from "../database/projection.ts";
import type { QueryBugs } from "../database/query.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Message } from "./messages.ts";
import { ROOT, Superblock, type Entry } from "./log.ts";
import type { Repair } from "./repair-state.ts";

export const STATUS = { normal: 0, viewChange: 1, recovering: 2 } as const;
export const STATUS_NAMES = ["normal", "view-change", "recovering"] as const;

/** What the journal is doing on the disk right now; see journal.ts. */
export const JOB = {
  none: 0,
  writeLog: 1,
  syncLog: 2,
  writeSuperblock: 3,
  syncSuperblock: 4,
  writeCheckpoint: 5,
  syncCheckpoint: 6,
} as const;

/** True for the jobs that make durable what was written. */
export function isSync(job: number): boolean {
  return job === JOB.syncLog || job === JOB.syncSuperblock || job === JOB.syncCheckpoint;
}

/** Entries a log may hold in one run. */
export const MAX_LOG_ENTRIES = 4096;

/** Deliberate bugs, to show that the invariants find them: what each does is said in ../canaries.ts. */
export interface PlantedBugs extends DatabaseBugs, ProjectionBugs, QueryBugs {
  readonly skipFsync: boolean;
  readonly staleCheckpoint: boolean;
  readonly forgetsView: boolean;
  readonly wrongHash: boolean;
  readonly commitsAlone: boolean;
  readonly shortestLog: boolean;
  readonly recoversFromAnyone: boolean;
  readonly answersEarly: boolean;
  readonly backupSkipsRemoves: boolean;
  readonly commitsStaleSuffix: boolean;
  readonly equivocates: boolean;
  readonly skipsSlots: boolean;
  readonly neverResends: boolean;
  readonly readsProjection: boolean;
  readonly unseededRandom: boolean;
}

export const NO_BUGS: PlantedBugs = {
  repeatsRequests: false,
  scansBeyondTenant: false,
  skipFsync: false,
  staleCheckpoint: false,
  forgetsView: false,
  wrongHash: false,
  commitsAlone: false,
  shortestLog: false,
  recoversFromAnyone: false,
  answersEarly: false,
  backupSkipsRemoves: false,
  commitsStaleSuffix: false,
  equivocates: false,
  skipsSlots: false,
  neverResends: false,
  readsProjection: false,
  unseededRandom: false,
  regressesPosition: false,
  readsNewestVersion: false,
  staleIndex: false,
  notUnknownIsTrue: false,
  exclusiveBound: false,
};

/** All in microseconds of the replica's own clock. */
export interface Timeouts {
  readonly heartbeatUs: number;
  /** A backup that heard nothing from the primary for so long starts a view change. */
  readonly viewChangeUs: number;
  /** Added per replica number, so that not all begin at once. */
  readonly viewChangeSpreadUs: number;
  readonly resendUs: number;
}

export interface ReplicaConfiguration {
  readonly replicaCount: number;
  readonly database: DatabaseSize;
  /** Operations between two checkpoints; 0: there are none, and the whole log is kept. */
  readonly checkpointInterval: number;
  readonly timeouts: Timeouts;
  readonly bugs: PlantedBugs;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  heartbeatUs: 50_000,
  viewChangeUs: 250_000,
  viewChangeSpreadUs: 60_000,
  resendUs: 60_000,
};

export class ReplicaState {
  readonly replica: number;
  readonly configuration: ReplicaConfiguration;
  status: number = STATUS.normal;
  view = 0;
  /** The view in which `log` was normal last; below `view` during a view change. */
  logView = 0;
  /** log[op]; slot 0 is the root. Below `base` entries are forgotten. */
  log: Entry[] = [ROOT];
  /** The oldest op of the log: the root, or the anchor of a checkpoint. */
  base = 0;
  /** The newest checkpoint that is on disk for certain. */
  checkpoint: Checkpoint | null = null;
  /** Taken or received, and not on disk yet. */
  pendingCheckpoint: Checkpoint | null = null;
  /** The log that is being put together from what the others have. */
  repair: Repair | null = null;
  commit = 0;
  /** Length of the log when it was installed for `logView`. */
  head = 0;
  database: Database;
  /** What queries see; it follows the commits. */
  projection: Projection;

  /** The newest superblock that is on disk for certain. */
  durable: Superblock = new Superblock(0, 0, 0, 0);
  /** False when the two copies on disk differ or one is bad: it must be written again. */
  superblockRepairNeeded = false;
  /** The log is on disk up to here. */
  syncedOp = 0;
  /** The first entry that is not yet given to the disk. */
  dirtyOp = 1;
  /** Slots above the log that must be emptied, up to this one; 0 when there are none. */
  clearTo = 0;
  job: number = JOB.none;
  /** The running log job makes the log durable up to here. */
  jobOp = 0;
  jobClearTo = 0;
  jobSuperblock: Superblock | null = null;
  /** Being written, or written and not named by the superblock yet. */
  jobCheckpoint: Checkpoint | null = null;
  checkpointWritten = false;

  /** Primary: per replica, the highest op it has on disk in this view. */
  acknowledged: number[];
  /** Primary: per client, the newest request in the log. */
  prepared: number[];
  /** Backup: the op acknowledged last in this view. */
  acknowledgedOp = 0;

  /** View change: a bit per replica that wants this view. */
  startViewChangeVotes = 0;
  startViewChangeSent = false;
  doViewChangeSent = false;
  doViewChanges: (Message | null)[];
  /** Views given up since the last normal one: timeouts grow with it. */
  viewChangeAttempts = 0;

  nonce = 0;
  recoveryResponses: (Message | null)[];

  nowUs = 0;
  heartbeatAtUs = 0;
  viewChangeAtUs = 0;
  resendAtUs = 0;
  /** No state transfer is asked for before this time. */
  transferAtUs = 0;

  constructor(replica: number, configuration: ReplicaConfiguration) {
    this.replica = replica;
    this.configuration = configuration;
    this.database = new Database(configuration.database, configuration.bugs);
    this.projection = new Projection(this.database.values.length, configuration.bugs);
    this.acknowledged = new Array<number>(configuration.replicaCount).fill(0);
    this.prepared = new Array<number>(configuration.database.clients).fill(-1);
    this.doViewChanges = new Array<Message | null>(configuration.replicaCount).fill(null);
    this.recoveryResponses = new Array<Message | null>(configuration.replicaCount).fill(null);
  }

  get op(): number {
    return this.log.length - 1;
  }

  get newest(): Entry {
    return this.log[this.log.length - 1]!;
  }
}

export function primaryOf(view: number, replicaCount: number): number {
  return view % replicaCount;
}

export function isPrimary(state: ReplicaState): boolean {
  return state.view % state.configuration.replicaCount === state.replica;
}

/** The number of replicas that may fail. */
export function faultsTolerated(state: ReplicaState): number {
  return (state.configuration.replicaCount - 1) >> 1;
}

/** True when the log of the current view is on disk: only then may the replica vote in it. */
export function mayVote(state: ReplicaState): boolean {
  return (
    state.status === STATUS.normal &&
    state.durable.logView === state.view &&
    state.durable.view === state.view &&
    state.durable.checkpointOp >= state.base &&
    !state.superblockRepairNeeded
  );
}

/** Recipients other than the number of a node. */
export const TO_OTHER_REPLICAS = -1;

/** What one step asks of the world; emptied before each step and filled by it. */
export class Outputs {
  readonly messages: Message[] = [];
  /** Node per message, or TO_OTHER_REPLICAS. */
  readonly recipients: number[] = [];

  /** A disk job to start; at most one per step, see journal.ts. */
  diskJob: number = JOB.none;
  diskFirstOp = 0;
  /** null empties a slot. */
  diskEntries: (Entry | null)[] = [];
  diskSuperblock: Superblock | null = null;
  diskCheckpoint: Checkpoint | null = null;
  /** Where the checkpoint goes. */
  diskArea = 0;
  /** Slots up to this one are needed no more. */
  diskTrimTo = 0;

  /** Operations committed in this step, with the hash of the state after each. */
  readonly committed: Entry[] = [];
  readonly stateHashes: number[] = [];
  /** And their results, with the values read by scans. */
  readonly results: number[] = [];
  readonly rows: (readonly number[] | null)[] = [];

  /** True when the log was replaced in this step (a view change, a state transfer, a recovery). */
  installed = false;
  /** True when the replica became the primary of a new view in this step. */
  becamePrimary = false;
  /** The checkpoint that was taken in this step. */
  checkpoint: Checkpoint | null = null;
  /** The checkpoint, of its disk or of another replica, from which it goes on. What is below it, it never executed. */
  adopted: Checkpoint | null = null;
  /** A log was put together from entries of other replicas in this step. */
  repaired = false;
  /** A replica that had lost its log has one again. */
  recovered = false;
  /** Why the replica would stop itself, for example because it would have to undo a committed operation. */
  panic: string | null = null;
  /** During what it would. */
  panicDuring: "view change" | "recovery" | "state transfer" | "start" = "start";

  clear(): void {
    if (this.messages.length > 0) {
      this.messages.length = 0;
      this.recipients.length = 0;
    }
    this.diskJob = JOB.none;
    if (this.diskEntries.length > 0) this.diskEntries = [];
    this.diskSuperblock = null;
    this.diskCheckpoint = null;
    this.diskTrimTo = 0;
    this.checkpoint = null;
    this.repaired = false;
    this.recovered = false;
    if (this.committed.length > 0) {
      this.committed.length = 0;
      this.stateHashes.length = 0;
      this.results.length = 0;
      this.rows.length = 0;
    }
    this.adopted = null;
    this.installed = false;
    this.becamePrimary = false;
    this.panic = null;
  }

  send(to: number, message: Message): void {
    this.messages.push(message);
    this.recipients.push(to);
  }

  broadcast(message: Message): void {
    this.send(TO_OTHER_REPLICAS, message);
  }
}
