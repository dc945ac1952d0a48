/**
 * What a node does with an input: runs the replica's own code, lets its disk do what was asked for, and
 * keeps one object per different node and message.
 */
import { Projection } from "../database/projection.ts";
import { type Entry } from "../vsr/log.ts";
import { MESSAGE, type Message } from "../vsr/messages.ts";
import { startReplica } from "../vsr/recovery.ts";
import { INPUT, Input, step } from "../vsr/replica.ts";
import { copyRepair } from "../vsr/repair-state.ts";
import { JOB, Outputs, ReplicaState, TO_OTHER_REPLICAS, type ReplicaConfiguration } from "../vsr/state.ts";
import { FORMATTED_DISK, addDisk, type ExploredDisk } from "./disk.ts";
import { addMessage, addReplica, fingerprinted } from "./fingerprint.ts";
import { Symmetry } from "./symmetry.ts";
import type { Envelope, Node, Reaction, Scope } from "./world.ts";

/** More different messages than this no exploration that could ever end sends. */
const MAX_ENVELOPES = 1_000_000;

export class Reactions {
  readonly symmetry: Symmetry;
  private readonly scope: Scope;
  private readonly configuration: ReplicaConfiguration;
  private readonly nodes = new Map<string, Node>();
  private readonly envelopes = new Map<string, Envelope>();
  private readonly input = new Input();
  private readonly outputs = new Outputs();

  constructor(scope: Scope, configuration: ReplicaConfiguration) {
    this.scope = scope;
    this.configuration = configuration;
    this.symmetry = new Symmetry(scope.operations, scope.symmetry);
  }

  /** A replica that has done nothing yet. */
  firstNode(replica: number): Node {
    return this.intern(new ReplicaState(replica, this.configuration), FORMATTED_DISK, false);
  }

  /** To a message; `name` is that of the input. */
  toMessage(node: Node, message: Message, name: string): readonly Reaction[] {
    return this.to(node, name, (input) => {
      input.kind = INPUT.message;
      input.message = message;
    });
  }

  /** To a timer that fires. */
  toTimer(node: Node, timer: number): readonly Reaction[] {
    return this.to(node, "timer", (input) => {
      input.kind = INPUT.timer;
      input.timer = timer;
    });
  }

  /** To a crash that leaves this disk, and the restart behind it. */
  toCrash(node: Node, name: string, disk: ExploredDisk): readonly Reaction[] {
    const known = node.results.get(name);
    if (known !== undefined) return known;
    this.outputs.clear();
    const { state } = startReplica(node.state.replica, this.configuration, disk, 0, node.state.nonce + 1, this.outputs);
    const reactions = [this.complete(state, disk, Infinity)];
    node.results.set(name, reactions);
    return reactions;
  }

  /** What a node does with an input; nothing when that changes nothing. */
  private to(node: Node, name: string, prepare: (input: Input) => void): readonly Reaction[] {
    const known = node.results.get(name);
    if (known !== undefined) return known;
    const reactions: Reaction[] = [];
    // First with all fsyncs ending at once, then doomed before the first, the second, … of them.
    for (let allowedSyncs = Infinity; ; allowedSyncs = allowedSyncs === Infinity ? 0 : allowedSyncs + 1) {
      const state = copyReplica(node.state);
      this.outputs.clear();
      prepare(this.input);
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
      this.symmetry.register(state.log.slice(1));
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
    const { key, images } = fingerprinted(this.symmetry, (fingerprint) => {
      fingerprint.add(state.replica * 2 + (doomed ? 1 : 0));
      addReplica(fingerprint, state);
      addDisk(fingerprint, disk);
    });
    let node = this.nodes.get(key);
    if (node === undefined) {
      node = { images, state, disk, doomed, results: new Map() };
      this.nodes.set(key, node);
    }
    return node;
  }

  private envelope(to: number, message: Message): Envelope {
    const { key, images } = fingerprinted(this.symmetry, (fingerprint) => {
      fingerprint.add(to);
      addMessage(fingerprint, message);
    });
    let envelope = this.envelopes.get(key);
    if (envelope === undefined) {
      const id = this.envelopes.size;
      if (id > MAX_ENVELOPES) throw new Error("an exploration has too many different messages");
      envelope = { id, to, message, input: `message ${id}`, images };
      this.envelopes.set(key, envelope);
    }
    return envelope;
  }
}

function copyReplica(state: ReplicaState): ReplicaState {
  const copy = Object.assign(new ReplicaState(state.replica, state.configuration), state);
  copy.log = state.log.slice();
  copy.database = state.database.copy();
  // Nobody asks it anything here.
  copy.projection = new Projection(0, state.configuration.bugs);
  copy.acknowledged = state.acknowledged.slice();
  copy.prepared = state.prepared.slice();
  copy.doViewChanges = state.doViewChanges.slice();
  copy.recoveryResponses = state.recoveryResponses.slice();
  copy.repair = state.repair === null ? null : copyRepair(state.repair);
  // Time does not pass here: a state transfer may be asked for whenever it helps.
  copy.transferAtUs = 0;
  return copy;
}
