/**
 * The world of an exploration: replicas, their disks, and all messages ever sent.
 *
 * The replicas run the very code of the simulation (vsr/). Replicas with their disks ("nodes") and
 * messages ("envelopes") are kept once each and numbered, so that a world is a short list of numbers, and
 * what a node does with an input is computed once however many worlds it happens in.
 *
 * Messages stay under way for ever: every one may be delivered at any time, in any order, any number of
 * times while it can still matter (see isDead), or never. An fsync either ends at once, or never: then its replica is doomed to crash before it
 * (one that ends late is the same as one that ended at once with its messages late). A replica that
 * crashed restarts in the same action (staying down is the same as having nothing delivered).
 */
import { OPERATION, Operation } from "../database/operation.ts";
import type { InvariantName } from "../invariants/catalogue.ts";
import { missingFromPrimary } from "../invariants/commit-history.ts";
import { brokenLink } from "../invariants/hash-chain.ts";
import { CommittedHistory } from "../invariants/vsr-agreement.ts";
import { Superblock, corrupted, type DiskContent, type Entry } from "../vsr/log.ts";
import { MESSAGE, MESSAGE_NAMES, request, type Message } from "../vsr/messages.ts";
import { startReplica } from "../vsr/recovery.ts";
import { INPUT, Input, TIMER, step } from "../vsr/replica.ts";
import {
  DEFAULT_TIMEOUTS,
  JOB,
  Outputs,
  ReplicaState,
  STATUS,
  TO_OTHER_REPLICAS,
  isPrimary,
  mayVote,
  type PlantedBugs,
  type ReplicaConfiguration,
} from "../vsr/state.ts";
import { Fingerprint, addMessage, addReplica } from "./fingerprint.ts";

export interface Scope {
  readonly replicas: number;
  /** Requests, each of a client of its own. */
  readonly operations: number;
  readonly crashes: number;
  /** Of the crashes, so many also spoil the newest slot on the disk. */
  readonly corruptions: number;
  /** No timer starts a view beyond this one. */
  readonly maxView: number;
  /** Replicas that lack entries ask another one for them. */
  readonly stateTransfer: boolean;
  /** Primaries announce what is committed without waiting for the next request. */
  readonly heartbeats: boolean;
}

class ExploredDisk implements DiskContent {
  readonly slots: readonly (Entry | null)[];
  readonly superblock: Superblock;
  /** Written, not synced; by op number. */
  readonly unsynced: ReadonlyMap<number, Entry | null>;
  readonly unsyncedSuperblock: Superblock | null;

  constructor(
    slots: readonly (Entry | null)[],
    superblock: Superblock,
    unsynced: ReadonlyMap<number, Entry | null>,
    unsyncedSuperblock: Superblock | null,
  ) {
    this.slots = slots;
    this.superblock = superblock;
    this.unsynced = unsynced;
    this.unsyncedSuperblock = unsyncedSuperblock;
  }

  get superblocks(): readonly Superblock[] {
    return [this.superblock];
  }

  written(outputs: Outputs): ExploredDisk {
    if (outputs.diskSuperblock !== null) {
      return new ExploredDisk(this.slots, this.superblock, this.unsynced, outputs.diskSuperblock);
    }
    const unsynced = new Map(this.unsynced);
    outputs.diskEntries.forEach((entry, index) => unsynced.set(outputs.diskFirstOp + index, entry));
    return new ExploredDisk(this.slots, this.superblock, unsynced, this.unsyncedSuperblock);
  }

  synced(job: number): ExploredDisk {
    if (job === JOB.syncSuperblock) {
      return new ExploredDisk(this.slots, this.unsyncedSuperblock ?? this.superblock, this.unsynced, null);
    }
    const slots = this.slots.slice();
    for (const [op, entry] of this.unsynced) {
      while (slots.length <= op) slots.push(null);
      slots[op] = entry;
    }
    return new ExploredDisk(slots, this.superblock, NOTHING_UNSYNCED, this.unsyncedSuperblock);
  }

  crashed(): ExploredDisk {
    return new ExploredDisk(this.slots, this.superblock, NOTHING_UNSYNCED, null);
  }

  /** The newest slot does not fit its checksum any more; null when there is none. */
  spoiled(): ExploredDisk | null {
    const op = this.slots.length - 1;
    const entry = this.slots[op] ?? null;
    if (op < 1 || entry === null) return null;
    const slots = this.slots.slice();
    slots[op] = corrupted(entry, 1);
    return new ExploredDisk(slots, this.superblock, this.unsynced, this.unsyncedSuperblock);
  }
}

const NOTHING_UNSYNCED: ReadonlyMap<number, Entry | null> = new Map();

/** A replica with its disk. Interned: equal nodes are one object. */
export interface Node {
  readonly id: number;
  readonly state: ReplicaState;
  readonly disk: ExploredDisk;
  /** Its newest write will never be synced: it stops before. */
  readonly doomed: boolean;
  /** What it does with each input, by the input's name; filled when asked for first. */
  readonly results: Map<string, readonly Reaction[]>;
}

/** A message and who gets it. Interned as well. */
export interface Envelope {
  readonly id: number;
  readonly to: number;
  readonly message: Message;
  /** The name of the input that its delivery is. */
  readonly input: string;
}

/** What a node becomes by an input, and what the rest of the world sees of it. */
export interface Reaction {
  readonly node: Node;
  readonly sent: readonly Envelope[];
  readonly committed: readonly Entry[];
  readonly becamePrimary: boolean;
  readonly panic: string | null;
}

export interface FoundViolation {
  readonly invariant: InvariantName;
  readonly message: string;
}

export interface World {
  readonly nodes: readonly Node[];
  /** By rising id, each once. */
  readonly envelopes: readonly Envelope[];
  readonly crashesLeft: number;
  readonly corruptionsLeft: number;
  /** So many clients, from the lowest number on, have sent their request. */
  readonly requested: number;
  readonly history: CommittedHistory;
}

/** A world that follows from another by one action. */
export interface Successor {
  readonly action: () => string;
  readonly world: World;
  readonly violation: FoundViolation | null;
}

/** Equal for equal worlds, and for no others. */
export function keyOf(world: World): string {
  const numbers: number[] = [];
  for (const node of world.nodes) numbers.push(node.id & 0xffff, node.id >>> 16);
  numbers.push(world.requested * 256 + world.crashesLeft * 16 + world.corruptionsLeft, ...world.history.views);
  const newest = world.history.entries.at(-1)!;
  numbers.push(newest.hashLow & 0xffff, newest.hashLow >>> 16, newest.hashHigh & 0xffff, newest.hashHigh >>> 16);
  for (const envelope of world.envelopes) numbers.push(envelope.id);
  return String.fromCharCode(...numbers);
}

/** Ids of envelopes are characters in the key of a world. */
const MAX_ENVELOPES = 0xffff;
/** Recovery answers are told apart by the crash they belong to; there is one per replica and exploration. */
const NONCE = 1;

/** All that can happen next. */
export class Successors {
  private readonly scope: Scope;
  private readonly configuration: ReplicaConfiguration;
  private readonly nodes = new Map<string, Node>();
  private readonly envelopes = new Map<string, Envelope>();
  private readonly input = new Input();
  private readonly outputs = new Outputs();
  private readonly requests: Message[] = [];

  constructor(scope: Scope, bugs: PlantedBugs) {
    this.scope = scope;
    const { replicas, operations } = scope;
    this.configuration = { replicaCount: replicas, keys: 1, clients: operations, timeouts: DEFAULT_TIMEOUTS, bugs };
    for (let client = 0; client < operations; client++) {
      this.requests.push(request(replicas + client, new Operation(OPERATION.register, 0, 0, client, 0, 0)));
    }
  }

  first(): World {
    const nodes: Node[] = [];
    const superblock = new Superblock(0, 0, 0, 0);
    for (let replica = 0; replica < this.scope.replicas; replica++) {
      const disk = new ExploredDisk([null], superblock, NOTHING_UNSYNCED, null);
      nodes.push(this.intern(new ReplicaState(replica, this.configuration), disk, false));
    }
    const { crashes, corruptions } = this.scope;
    return {
      nodes,
      envelopes: [],
      crashesLeft: crashes,
      corruptionsLeft: corruptions,
      requested: 0,
      history: new CommittedHistory(),
    };
  }

  of(world: World): Successor[] {
    const found: Successor[] = [];
    const mayDoom = world.crashesLeft > world.nodes.filter((node) => node.doomed).length;
    for (const envelope of world.envelopes) {
      const { message, to } = envelope;
      const node = world.nodes[to]!;
      const reactions = this.onMessage(node, message, envelope.input);
      // Asked again, a replica would answer with what it has by then; once is enough to catch up.
      const delivered = message.kind === MESSAGE.getState ? envelope : null;
      this.add(world, node, reactions, mayDoom, found, () => deliveryOf(envelope), delivered);
    }
    for (const node of world.nodes) {
      this.addRequests(world, node, mayDoom, found);
      this.addTimer(world, node, mayDoom, found);
      if (world.crashesLeft > 0 && (node.doomed || mayDoom)) this.addCrashes(world, node, found);
    }
    return found;
  }

  private onMessage(node: Node, message: Message, name: string): readonly Reaction[] {
    return this.reactions(node, name, () => {
      this.input.kind = INPUT.message;
      this.input.message = message;
    });
  }

  private addRequests(world: World, node: Node, mayDoom: boolean, found: Successor[]): void {
    const { state } = node;
    if (state.status !== STATUS.normal || !isPrimary(state) || !mayVote(state)) return;
    // Clients that nobody has heard of yet are alike: the one with the lowest number stands for all.
    const last = Math.min(world.requested, this.requests.length - 1);
    for (let client = 0; client <= last; client++) {
      const message = this.requests[client]!;
      if (holds(state, message)) continue;
      const reactions = this.onMessage(node, message, `request ${client}`);
      const after = { ...world, requested: Math.max(world.requested, client + 1) };
      this.add(after, node, reactions, mayDoom, found, () => `request ${client} to ${state.replica}`);
    }
  }

  private addTimer(world: World, node: Node, mayDoom: boolean, found: Successor[]): void {
    const { state } = node;
    const asPrimary = state.status === STATUS.normal && isPrimary(state);
    if (asPrimary ? !this.scope.heartbeats : state.status === STATUS.recovering || state.view >= this.scope.maxView)
      return;
    const reactions = this.reactions(node, "timer", () => {
      this.input.kind = INPUT.timer;
      this.input.timer = asPrimary ? TIMER.heartbeat : TIMER.viewChange;
    });
    this.add(
      world,
      node,
      reactions,
      mayDoom,
      found,
      () => `${asPrimary ? "heartbeat of" : "timeout on"} ${state.replica}`,
    );
  }

  private addCrashes(world: World, node: Node, found: Successor[]): void {
    const { replica } = node.state;
    this.addRestart(world, node, "crash", node.disk.crashed(), world.corruptionsLeft, found, () => `crash ${replica}`);
    const spoiled = world.corruptionsLeft > 0 ? node.disk.crashed().spoiled() : null;
    if (spoiled === null) return;
    this.addRestart(world, node, "spoil", spoiled, world.corruptionsLeft - 1, found, () => {
      return `crash ${replica}, and its newest slot is spoiled`;
    });
  }

  private addRestart(
    world: World,
    node: Node,
    name: string,
    disk: ExploredDisk,
    corruptionsLeft: number,
    found: Successor[],
    action: () => string,
  ): void {
    let reactions = node.results.get(name);
    if (reactions === undefined) {
      this.outputs.clear();
      const { state } = startReplica(node.state.replica, this.configuration, disk, 0, NONCE, this.outputs);
      reactions = [this.complete(state, disk, Infinity)];
      node.results.set(name, reactions);
    }
    for (const reaction of reactions) {
      found.push(this.successor(world, node, reaction, world.crashesLeft - 1, corruptionsLeft, action, null));
    }
  }

  private add(
    world: World,
    node: Node,
    reactions: readonly Reaction[],
    mayDoom: boolean,
    found: Successor[],
    action: () => string,
    delivered: Envelope | null = null,
  ): void {
    for (const reaction of reactions) {
      if (reaction.node.doomed && !node.doomed && !mayDoom) continue;
      const doom = reaction.node.doomed && !node.doomed ? " (its next fsync never ends)" : "";
      const { crashesLeft, corruptionsLeft } = world;
      found.push(this.successor(world, node, reaction, crashesLeft, corruptionsLeft, () => action() + doom, delivered));
    }
  }

  private successor(
    world: World,
    node: Node,
    reaction: Reaction,
    crashesLeft: number,
    corruptionsLeft: number,
    action: () => string,
    delivered: Envelope | null,
  ): Successor {
    const nodes = world.nodes.slice();
    nodes[node.state.replica] = reaction.node;
    const history = reaction.committed.length === 0 ? world.history : world.history.copy();
    const violation = violationOf(reaction, history);
    const envelopes = merged(world.envelopes, reaction.sent).filter(
      (envelope) => envelope !== delivered && !isDead(envelope.message, nodes[envelope.to]!),
    );
    return { action, world: { ...world, nodes, envelopes, crashesLeft, corruptionsLeft, history }, violation };
  }

  /** What a node does with an input; nothing when that changes nothing. */
  private reactions(node: Node, name: string, prepare: () => void): readonly Reaction[] {
    const known = node.results.get(name);
    if (known !== undefined) return known;
    const reactions: Reaction[] = [];
    // First with all fsyncs ending at once, then doomed before the first, the second, … of them.
    for (let allowedSyncs = Infinity; ; allowedSyncs = allowedSyncs === Infinity ? 0 : allowedSyncs + 1) {
      const state = copyReplica(node.state);
      this.outputs.clear();
      prepare();
      this.input.nowUs = 0;
      step(state, this.input, this.outputs);
      const reaction = this.complete(state, node.disk, node.doomed ? 0 : allowedSyncs);
      if (allowedSyncs !== Infinity && !reaction.node.doomed) break;
      if (reaction.node !== node || reaction.sent.length > 0 || reaction.panic !== null) reactions.push(reaction);
      if (node.doomed) break;
    }
    node.results.set(name, reactions);
    return reactions;
  }

  /** Lets the disk do what a step asked for, up to the fsync that never ends. */
  private complete(state: ReplicaState, before: ExploredDisk, allowedSyncs: number): Reaction {
    const { outputs } = this;
    const sent: Envelope[] = [];
    const committed: Entry[] = [];
    let disk = before;
    let becamePrimary = false;
    let panic: string | null = null;
    let syncs = 0;
    for (;;) {
      this.collect(state.replica, sent);
      committed.push(...outputs.committed);
      becamePrimary ||= outputs.becamePrimary;
      panic ??= outputs.panic;
      const job = outputs.diskJob;
      const isSync = job === JOB.syncLog || job === JOB.syncSuperblock;
      if (job === JOB.none || (isSync && syncs >= allowedSyncs)) break;
      if (isSync) syncs += 1;
      disk = isSync ? disk.synced(job) : disk.written(outputs);
      outputs.clear();
      this.input.kind = INPUT.diskDone;
      step(state, this.input, outputs);
    }
    const doomed = state.job === JOB.syncLog || state.job === JOB.syncSuperblock;
    return { node: this.intern(state, disk, doomed), sent, committed, becamePrimary, panic };
  }

  private collect(from: number, sent: Envelope[]): void {
    const { messages, recipients } = this.outputs;
    messages.forEach((message, index) => {
      const recipient = recipients[index]!;
      // Answers to clients are seen by nobody here.
      if (recipient >= this.scope.replicas) return;
      if (message.kind === MESSAGE.getState && !this.scope.stateTransfer) return;
      for (let to = 0; to < this.scope.replicas; to++) {
        if (to !== from && (recipient === TO_OTHER_REPLICAS || recipient === to)) sent.push(this.envelope(to, message));
      }
    });
  }

  private intern(state: ReplicaState, disk: ExploredDisk, doomed: boolean): Node {
    const fingerprint = new Fingerprint();
    fingerprint.add(state.replica * 2 + (doomed ? 1 : 0));
    addReplica(fingerprint, state);
    addDisk(fingerprint, disk);
    const key = fingerprint.finish().key();
    let node = this.nodes.get(key);
    if (node === undefined) {
      node = { id: this.nodes.size, state, disk, doomed, results: new Map() };
      this.nodes.set(key, node);
    }
    return node;
  }

  private envelope(to: number, message: Message): Envelope {
    const fingerprint = new Fingerprint();
    fingerprint.add(to);
    addMessage(fingerprint, message);
    const key = fingerprint.finish().key();
    let envelope = this.envelopes.get(key);
    if (envelope === undefined) {
      const id = this.envelopes.size;
      if (id > MAX_ENVELOPES) throw new Error("an exploration has too many different messages");
      envelope = { id, to, message, input: `message ${id}` };
      this.envelopes.set(key, envelope);
    }
    return envelope;
  }
}

function copyReplica(state: ReplicaState): ReplicaState {
  const copy = Object.assign(new ReplicaState(state.replica, state.configuration), state);
  copy.log = state.log.slice();
  copy.database = state.database.copy();
  copy.acknowledged = state.acknowledged.slice();
  copy.prepared = state.prepared.slice();
  copy.doViewChanges = state.doViewChanges.slice();
  copy.recoveryResponses = state.recoveryResponses.slice();
  // Time does not pass here: a state transfer may be asked for whenever it helps.
  copy.transferAtUs = 0;
  return copy;
}

function addDisk(fingerprint: Fingerprint, disk: ExploredDisk): void {
  for (const entry of disk.slots) {
    fingerprint.add(entry === null ? 0 : entry.operation.value + 1);
    if (entry !== null) fingerprint.addEntry(entry);
  }
  fingerprint.add(disk.superblock.view);
  fingerprint.add(disk.superblock.logView);
  fingerprint.add(disk.superblock.head);
  for (const [op, entry] of disk.unsynced) {
    fingerprint.add(op);
    if (entry !== null) fingerprint.addEntry(entry);
  }
}

function deliveryOf({ message, to }: Envelope): string {
  const { kind, view, op, from } = message;
  return `deliver ${MESSAGE_NAMES[kind as 0]} (view ${view}, op ${op}) from ${from} to ${to}`;
}

/** True when a client's request is in the log already. */
function holds(state: ReplicaState, message: Message): boolean {
  const { client } = message.operation!;
  return state.log.some((entry, op) => op > 0 && entry.operation.client === client);
}

function violationOf(reaction: Reaction, history: CommittedHistory): FoundViolation | null {
  const { state } = reaction.node;
  const { replica, view } = state;
  if (reaction.panic !== null) return { invariant: "commit_history", message: `replica ${replica}: ${reaction.panic}` };
  for (const entry of reaction.committed) {
    const disagreement = history.commit(replica, view, entry);
    if (disagreement !== null) return { invariant: "vsr_agreement", message: disagreement };
    const broken = brokenLink(history.entries[entry.op - 1]!, entry);
    if (broken !== null) return { invariant: "hash_chain", message: `replica ${replica}: ${broken}` };
  }
  if (state.commit > state.op) {
    return { invariant: "replica_head_progress", message: `replica ${replica} committed more than its log holds` };
  }
  const missing = reaction.becamePrimary ? missingFromPrimary(history, replica, view, state.log) : null;
  return missing === null ? null : { invariant: "commit_history", message: missing };
}

/** Two lists by rising id as one, each envelope once. */
function merged(envelopes: readonly Envelope[], sent: readonly Envelope[]): readonly Envelope[] {
  let result = envelopes;
  for (const envelope of sent) {
    let at = result.length;
    while (at > 0 && result[at - 1]!.id > envelope.id) at -= 1;
    if (at > 0 && result[at - 1] === envelope) continue;
    result = [...result.slice(0, at), envelope, ...result.slice(at)];
  }
  return result;
}

/**
 * True for a message from which its receiver has nothing more to learn, unless it crashes and forgets; that
 * such a message is doubled and the copy arrives behind the crash is the one delivery that is left out.
 */
function isDead(message: Message, receiver: Node): boolean {
  const { kind, view } = message;
  const { state } = receiver;
  if (kind === MESSAGE.recovery || kind === MESSAGE.recoveryResponse) return false;
  if (view < state.durable.view) return true;
  // What is not on its disk yet, a doomed replica is going to forget.
  if (receiver.doomed || view !== state.view) return false;
  const normal = state.status === STATUS.normal;
  switch (kind) {
    case MESSAGE.prepare:
    case MESSAGE.commit:
    case MESSAGE.newState:
      return normal && message.op <= state.op && message.commit <= state.commit;
    case MESSAGE.prepareOk:
      return normal && isPrimary(state) && message.op <= state.acknowledged[message.from]!;
    case MESSAGE.startView:
      return normal;
    case MESSAGE.startViewChange:
      // The primary's StartView is under way to the sender.
      return normal || (state.startViewChangeVotes & (1 << message.from)) !== 0;
    case MESSAGE.doViewChange:
      return normal || state.doViewChanges[message.from] !== null;
    default:
      return false;
  }
}
