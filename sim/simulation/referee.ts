/** The referee: applies every invariant at the moment it speaks about, and ends the run when one is violated. */
import { PHASE, type Coverage } from "../coverage.ts";
import type { SimulatedDisk } from "../disk.ts";
import { Violation, type InvariantName } from "../invariants/catalogue.ts";
import { wrongCheckpoint } from "../invariants/checkpoint-recovery.ts";
import { CommitHistory, forgottenRequest, withoutQuorum } from "../invariants/commit-history.ts";
import { Model } from "../invariants/data-correctness.ts";
import { brokenChain, brokenLink } from "../invariants/hash-chain.ts";
import { History, checkLinearizability } from "../invariants/linearizability.ts";
import { AppliedPosition } from "../invariants/projection-applied-position-monotonic.ts";
import { ReplicaConsistency } from "../invariants/replica-consistency.ts";
import { ReplicaHeadProgress } from "../invariants/replica-head-progress.ts";
import { differingDisk, differingState, replay } from "../invariants/storage-determinism.ts";
import { foreignResult } from "../invariants/tenant-isolation.ts";
import { CommittedHistory } from "../invariants/vsr-agreement.ts";
import { PrefixProperty } from "../invariants/vsr-prefix-property.ts";
import { RecoverySafety } from "../invariants/vsr-recovery-safety.ts";
import { missingFromPrimary } from "../invariants/vsr-view-change-safety.ts";
import type { Trace } from "../trace.ts";
import type { Checkpoint } from "../vsr/checkpoint.ts";
import type { Client } from "../vsr/client.ts";
import { isSame, type Entry } from "../vsr/log.ts";
import type { Message } from "../vsr/messages.ts";
import { STATUS, type Outputs, type ReplicaState } from "../vsr/state.ts";
import { databaseSizeOf, type SimulationOptions } from "./options.ts";

/** Which invariant a replica speaks of that stops itself. */
const BROKEN_DURING = {
  "view change": "vsr_view_change_safety",
  recovery: "vsr_recovery_safety",
  "state transfer": "vsr_agreement",
  start: "commit_history",
} as const;

/** What the referee may look at besides what it is told. */
export interface Evidence {
  readonly replicas: readonly (ReplicaState | null)[];
  readonly disks: readonly SimulatedDisk[];
  /** Replicas whose disk lost what they had acknowledged. */
  readonly impaired: () => number;
  readonly trace: Trace | null;
  readonly nowUs: () => number;
}

export class Referee {
  /** What clients asked and were answered. */
  readonly history = new History();
  /** What was committed, by whomever. */
  readonly committed = new CommittedHistory();
  /** What the database must hold. */
  readonly model: Model;
  private readonly options: SimulationOptions;
  private readonly coverage: Coverage;
  private readonly evidence: Evidence;
  private readonly consistency = new ReplicaConsistency();
  private readonly commitHistory: CommitHistory;
  private readonly headProgress: ReplicaHeadProgress;
  private readonly prefix: PrefixProperty;
  private readonly recovery: RecoverySafety;
  private readonly appliedPosition: AppliedPosition;
  private readonly watchesHeads: boolean;
  private readonly watchesPrefixes: boolean;

  constructor(options: SimulationOptions, coverage: Coverage, evidence: Evidence) {
    const { replicas } = options.scenario;
    this.options = options;
    this.coverage = coverage;
    this.evidence = evidence;
    this.watchesHeads = options.invariants.has("replica_head_progress");
    this.watchesPrefixes = options.invariants.has("vsr_prefix_property");
    const size = databaseSizeOf(options.scenario);
    this.model = new Model(size);
    this.commitHistory = new CommitHistory(replicas, size.clients);
    this.headProgress = new ReplicaHeadProgress(replicas);
    this.appliedPosition = new AppliedPosition(replicas);
    this.prefix = new PrefixProperty(replicas);
    this.recovery = new RecoverySafety(replicas);
  }

  /** Counts a check, and ends the run if there is a reason. An invariant that is disabled was not checked. */
  check(invariant: InvariantName, reason: string | null): void {
    if (!this.options.invariants.has(invariant)) return;
    this.coverage.invariants[invariant] += 1;
    if (this.evidence.trace !== null) {
      this.evidence.trace.add(this.evidence.nowUs(), "InvariantCheck", { invariant, passed: reason === null });
    }
    if (reason !== null) throw new Violation(invariant, reason);
  }

  /** A replica has come up from its disk. */
  onStart(state: ReplicaState): void {
    const { replica } = state;
    this.commitHistory.continuesFrom(replica, state.commit);
    this.appliedPosition.restarted(replica);
    if (state.checkpoint !== null) this.onCheckpoint(replica, state.checkpoint, PHASE.checkpointRead);
    this.check("hash_chain", brokenChain(state.log, state.base));
    if (state.status === STATUS.recovering) {
      this.recovery.begins(replica, state.view, this.committed.length);
    }
  }

  /** A step has ended, and nobody has seen its effects yet. */
  beforeEffects(state: ReplicaState, outputs: Outputs): void {
    const { replica } = state;
    if (outputs.panic !== null) {
      this.check(BROKEN_DURING[outputs.panicDuring], `replica ${replica} stopped itself: ${outputs.panic}`);
    }
    if (outputs.adopted !== null) {
      this.commitHistory.continuesFrom(replica, outputs.adopted.op);
      this.onCheckpoint(replica, outputs.adopted, PHASE.checkpointReceived);
    }
    if (outputs.committed.length > 0) this.onCommit(state, outputs);
    if (outputs.checkpoint !== null) this.onCheckpoint(replica, outputs.checkpoint, PHASE.checkpointTaken);
    if (outputs.repaired) this.coverage.phases[PHASE.repairComplete]! += 1;
    if (outputs.installed) this.coverage.phases[PHASE.logInstalled]! += 1;
    if (outputs.recovered) this.onRecovered(state);
    if (!outputs.becamePrimary) return;
    this.coverage.phases[PHASE.viewChangeComplete]! += 1;
    this.check("vsr_view_change_safety", missingFromPrimary(this.committed, replica, state.view, state.log));
  }

  /** Every commit comes here: counted together, and looked at closer only where something is wrong. */
  private onCommit(state: ReplicaState, outputs: Outputs): void {
    const { replica } = state;
    const { committed, stateHashes, results, rows } = outputs;
    const { length } = committed;
    for (let index = 0; index < length; index++) {
      const entry = committed[index]!;
      const { op } = entry;
      const gap = this.commitHistory.commit(replica, entry);
      if (gap !== null) this.check("commit_history", gap);
      const isFirst = op > this.committed.length;
      const parent = this.committed.entries[op - 1];
      const broken = parent === undefined ? null : brokenLink(parent, entry);
      if (broken !== null) this.check("hash_chain", broken);
      const disagreement = this.committed.commit(replica, state.view, entry);
      if (disagreement !== null) this.check("vsr_agreement", disagreement);
      if (isFirst) this.onFirstCommit(entry, results[index]!, rows[index]!);
      const difference = this.consistency.commit(replica, op, stateHashes[index * 2]!, stateHashes[index * 2 + 1]!);
      if (difference !== null) this.check("replica_consistency", difference);
    }
    this.count("commit_history", length);
    this.count("vsr_agreement", length);
    this.count("hash_chain", length);
    this.count("replica_consistency", length);
    this.coverage.phases[PHASE.committed]! += length;
  }

  /** Nobody has committed this entry before. */
  private onFirstCommit(entry: Entry, result: number, rows: readonly number[] | null): void {
    const { op, operation } = entry;
    this.check("commit_history", this.withoutQuorum(entry));
    this.check("tenant_isolation", foreignResult(operation, result, rows));
    if (op === this.model.op + 1) this.check("data_correctness", this.model.check(op, operation, result));
  }

  /** A replica whose disk lost what it had acknowledged held it once, and its acknowledgement was true. */
  private withoutQuorum(entry: Entry): string | null {
    const { replicas, disks, impaired } = this.evidence;
    const { length } = replicas;
    let holders = impaired();
    for (let replica = 0; replica < length; replica++) {
      const state = replicas[replica] ?? null;
      const held = state === null ? disks[replica]!.slots[entry.op] : state.log[entry.op];
      if (held !== undefined && held !== null && (held === entry || isSame(held, entry))) holders += 1;
      else if (state !== null && state.base >= entry.op) holders += 1;
    }
    return withoutQuorum(entry, holders, length);
  }

  private onCheckpoint(replica: number, checkpoint: Checkpoint, phase: number): void {
    this.coverage.phases[phase]! += 1;
    const [low, high] = this.consistency.hashOf(checkpoint.op);
    this.check("checkpoint_recovery", wrongCheckpoint(replica, checkpoint, this.committed.entries, low, high));
  }

  private onRecovered(state: ReplicaState): void {
    this.coverage.phases[PHASE.recoveryComplete]! += 1;
    const { replica, view, log, base } = state;
    this.check("vsr_recovery_safety", this.recovery.ends(replica, view, log, base, this.committed.entries));
  }

  private count(invariant: InvariantName, checks: number): void {
    if (this.options.invariants.has(invariant)) this.coverage.invariants[invariant] += checks;
  }

  /** A step has ended, its effects included. */
  afterEffects(state: ReplicaState): void {
    const { replica, view, op, newest } = state;
    // Every step comes here: counted by a name that is known, not by `check`.
    if (this.watchesHeads) {
      this.coverage.invariants.replica_head_progress += 1;
      const reason = this.headProgress.check(replica, view, state.durable.view, op, state.commit);
      if (reason !== null) throw new Violation("replica_head_progress", reason);
    }
    if (!this.watchesPrefixes || state.status !== STATUS.normal || !this.prefix.isNew(replica, view, newest)) return;
    this.coverage.invariants.vsr_prefix_property += 1;
    const reason = this.prefix.check(replica, view, newest);
    if (reason !== null) throw new Violation("vsr_prefix_property", reason);
  }

  /** A replica's clock has ticked: its projection may have moved. */
  onTick(state: ReplicaState): void {
    const { replica, projection, commit } = state;
    this.check(
      "projection_applied_position_monotonic",
      this.appliedPosition.check(replica, projection.appliedOp, commit),
    );
  }

  /** A client was answered. */
  onAnswer(client: Client, message: Message): void {
    this.check("commit_history", this.commitHistory.acknowledged(client.client, client.request));
    const { operation } = client;
    if (operation !== null) this.check("tenant_isolation", foreignResult(operation, message.op, message.rows));
  }

  /** Everything that is only known when all is quiet. */
  atRest(clients: readonly Client[]): void {
    const { replicas, disks } = this.evidence;
    this.check("liveness_eventual_progress", null);
    const log = this.committed.entries;
    this.checkStates();
    for (const state of replicas) {
      if (state === null) continue;
      const { replica, database } = state;
      this.check("storage_determinism", differingDisk(replica, log, disks[replica]!.read()));
      for (const { client, request, answered } of clients) {
        if (answered > 0) this.check("commit_history", forgottenRequest(replica, database, client, request));
      }
    }
    this.checkAnswers();
  }

  /** The cluster did not come to rest: what can be judged all the same, and then that it did not. */
  withoutRest(why: string): void {
    this.checkAnswers();
    this.checkStates();
    this.check("liveness_eventual_progress", why);
  }

  /** Every replica has the state that the committed log gives, as far as it has executed it. */
  private checkStates(): void {
    const size = databaseSizeOf(this.options.scenario);
    const log = this.committed.entries;
    const whole = replay(log, size);
    for (const state of this.evidence.replicas) {
      if (state === null) continue;
      const { replica, commit, database } = state;
      const expected = commit === this.committed.length ? whole : replay(log.slice(0, commit + 1), size);
      this.check("storage_determinism", differingState(replica, expected, database));
      this.check("hash_chain", brokenChain(state.log, state.base));
    }
  }

  private checkAnswers(): void {
    const verdict = checkLinearizability(this.history);
    this.check("linearizability", verdict.linearizable ? null : verdict.reason);
  }
}
