/** The referee: applies every invariant at the moment it speaks about, and ends the run when one is violated. */
import { PHASE, type Coverage } from "../coverage.ts";
import type { SimulatedDisk } from "../disk.ts";
import { Violation, type InvariantName } from "../invariants/catalogue.ts";
import { CommitHistory, forgottenRequest, missingFromPrimary } from "../invariants/commit-history.ts";
import { brokenChain, brokenLink } from "../invariants/hash-chain.ts";
import { History, checkLinearizability } from "../invariants/linearizability.ts";
import { ReplicaConsistency } from "../invariants/replica-consistency.ts";
import { ReplicaHeadProgress } from "../invariants/replica-head-progress.ts";
import { differingDisk, differingState, replay } from "../invariants/storage-determinism.ts";
import { CommittedHistory } from "../invariants/vsr-agreement.ts";
import type { Client } from "../vsr/client.ts";
import type { Outputs, ReplicaState } from "../vsr/state.ts";
import { REPLICA_COUNT } from "./events.ts";
import { clientCountOf, type SimulationOptions } from "./options.ts";

export class Referee {
  /** What clients asked and were answered. */
  readonly history = new History();
  /** What was committed, by whomever. */
  readonly committed = new CommittedHistory();
  private readonly options: SimulationOptions;
  private readonly coverage: Coverage;
  private readonly consistency = new ReplicaConsistency();
  private readonly commitHistory: CommitHistory;
  private readonly headProgress = new ReplicaHeadProgress(REPLICA_COUNT);
  private readonly watchesHeads: boolean;

  constructor(options: SimulationOptions, coverage: Coverage) {
    this.options = options;
    this.coverage = coverage;
    this.watchesHeads = options.invariants.has("replica_head_progress");
    this.commitHistory = new CommitHistory(REPLICA_COUNT, clientCountOf(options.scenario));
  }

  /** Counts a check, and ends the run if there is a reason. An invariant that is disabled was not checked. */
  private check(invariant: InvariantName, reason: string | null): void {
    if (!this.options.invariants.has(invariant)) return;
    this.coverage.invariants[invariant] += 1;
    if (reason !== null) throw new Violation(invariant, reason);
  }

  /** A replica has come up from its disk. */
  onStart(state: ReplicaState): void {
    this.commitHistory.restarted(state.replica);
    this.check("hash_chain", brokenChain(state.log));
  }

  /** A step has ended, and nobody has seen its effects yet. */
  beforeEffects(state: ReplicaState, outputs: Outputs): void {
    const { replica } = state;
    if (outputs.panic !== null) this.check("commit_history", `replica ${replica} stopped itself: ${outputs.panic}`);
    if (outputs.committed.length > 0) this.onCommit(state, outputs);
    if (outputs.installed) this.coverage.phases[PHASE.logInstalled]! += 1;
    if (!outputs.becamePrimary) return;
    this.coverage.phases[PHASE.viewChangeComplete]! += 1;
    this.check("commit_history", missingFromPrimary(this.committed, replica, state.view, state.log));
  }

  /** Every commit comes here: counted together, and looked at closer only where something is wrong. */
  private onCommit(state: ReplicaState, { committed, stateHashes }: Outputs): void {
    const { replica } = state;
    const { length } = committed;
    for (let index = 0; index < length; index++) {
      const entry = committed[index]!;
      const parent = this.committed.entries[entry.op - 1];
      const gap = this.commitHistory.commit(replica, entry);
      if (gap !== null) this.check("commit_history", gap);
      const disagreement = this.committed.commit(replica, state.view, entry);
      if (disagreement !== null) this.check("vsr_agreement", disagreement);
      const broken = parent === undefined ? null : brokenLink(parent, entry);
      if (broken !== null) this.check("hash_chain", broken);
      const low = stateHashes[index * 2]!;
      const high = stateHashes[index * 2 + 1]!;
      const difference = this.consistency.commit(replica, entry.op, low, high);
      if (difference !== null) this.check("replica_consistency", difference);
    }
    this.count("commit_history", length);
    this.count("vsr_agreement", length);
    this.count("hash_chain", length);
    this.count("replica_consistency", length);
    this.coverage.phases[PHASE.committed]! += length;
  }

  private count(invariant: InvariantName, checks: number): void {
    if (this.options.invariants.has(invariant)) this.coverage.invariants[invariant] += checks;
  }

  /** A step has ended, its effects included. */
  afterEffects(state: ReplicaState): void {
    if (!this.watchesHeads) return;
    // Every step comes here: counted by a name that is known, not by `check`.
    this.coverage.invariants.replica_head_progress += 1;
    const reason = this.headProgress.check(state.replica, state.view, state.durable.view, state.op, state.commit);
    if (reason !== null) throw new Violation("replica_head_progress", reason);
  }

  /** A client was answered. */
  onAnswer(client: Client): void {
    this.check("commit_history", this.commitHistory.acknowledged(client.client, client.request));
  }

  /** Everything that is only known when all is quiet. */
  atRest(
    replicas: readonly (ReplicaState | null)[],
    disks: readonly SimulatedDisk[],
    clients: readonly Client[],
  ): void {
    this.check("liveness_eventual_progress", null);
    const log = this.committed.entries;
    this.checkStates(replicas);
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
  withoutRest(replicas: readonly (ReplicaState | null)[], why: string): void {
    this.checkAnswers();
    this.checkStates(replicas);
    this.check("liveness_eventual_progress", why);
  }

  /** Every replica has the state that the committed log gives, as far as it has executed it. */
  private checkStates(replicas: readonly (ReplicaState | null)[]): void {
    const { keys } = this.options.scenario;
    const clients = clientCountOf(this.options.scenario);
    const log = this.committed.entries;
    const whole = replay(log, keys, clients);
    for (const state of replicas) {
      if (state === null) continue;
      const { replica, commit, database } = state;
      const expected = commit === this.committed.length ? whole : replay(log.slice(0, commit + 1), keys, clients);
      this.check("storage_determinism", differingState(replica, expected, database));
      this.check("hash_chain", brokenChain(state.log));
    }
  }

  private checkAnswers(): void {
    const verdict = checkLinearizability(this.history);
    this.check("linearizability", verdict.linearizable ? null : verdict.reason);
  }
}
