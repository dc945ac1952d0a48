/**
 * One replica that lies. It runs the protocol as it should, but some of what it sends is forged, and some
 * messages it makes up. Viewstamped Replication tolerates crashes, not lies (Liskov and Cowling 2012 section
 * 1; for lies see Castro and Liskov, "Practical Byzantine Fault Tolerance", 1999): what cannot be told from
 * the truth must be detected by the invariants, what can must be refused.
 */
import { ATTACK_POINT, type Coverage } from "../coverage.ts";
import type { Decisions } from "../decisions/decisions.ts";
import { OPERATION, Operation } from "../database/operation.ts";
import type { SimulatedNetwork } from "../network.ts";
import type { Attack } from "../scenario.ts";
import { Entry, entryAfter } from "../vsr/log.ts";
import {
  MESSAGE,
  doViewChange,
  prepare,
  request,
  requestEntries,
  startView,
  startViewChange,
  type Message,
} from "../vsr/messages.ts";
import { primaryOf, type ReplicaState } from "../vsr/state.ts";

/** Beyond the end of every log. */
const FAR_AWAY = 1_000_000;

export class Byzantine {
  private readonly attack: Attack;
  /** The replica that lies: the first primary where the attack is that of a primary, otherwise the last replica. */
  readonly replica: number;
  private readonly replicaCount: number;
  private readonly network: SimulatedNetwork;
  private readonly coverage: Coverage;
  private readonly decisions: Decisions | null;
  private active = true;

  constructor(
    attack: Attack,
    replicaCount: number,
    network: SimulatedNetwork,
    coverage: Coverage,
    decisions: Decisions | null,
  ) {
    this.attack = attack;
    this.replicaCount = replicaCount;
    this.replica = FORGED_ON_THE_WAY.has(attack) ? 0 : replicaCount - 1;
    this.network = network;
    this.coverage = coverage;
    this.decisions = decisions;
  }

  /** It is honest from now on. */
  end(): void {
    this.active = false;
  }

  /** Counts a lie; false when this run leaves it out. */
  private lies(): boolean {
    this.decisions?.at("lie", 0);
    if (this.decisions !== null && !this.decisions.happens("lie")) return false;
    const point = ATTACK_POINT[this.attack];
    this.coverage.attacksAttempted[point]! += 1;
    this.coverage.attacksApplied[point]! += 1;
    return true;
  }

  /** What goes to `to` instead of this message. */
  forge(from: number, to: number, message: Message): Message {
    if (!this.active || from !== this.replica || message.kind !== MESSAGE.prepare) return message;
    const entry = message.entry!;
    const { view } = message;
    const attack: string = this.attack;
    switch (attack) {
      case "equivocation": {
        if (to !== this.replicaCount - 1) return message;
        if (!this.lies()) return message;
        const { kind, key, value, client, session, tenant, request: number } = entry.operation;
        const parent = new Entry(entry.op - 1, view, entry.operation, 0, 0, entry.parentLow, entry.parentHigh);
        const other = new Operation(kind, key, value ^ 8, client, number, session, tenant);
        return prepare(from, view, message.commit, entryAfter(parent, view, other));
      }
      case "inflated-commit":
      case "commit-desync":
        if (this.attack === "commit-desync" && entry.op % 3 !== 0) return message;
        if (!this.lies()) return message;
        return prepare(from, view, entry.op, entry);
      case "invalid-metadata": {
        if (!this.lies()) return message;
        const { op, operation, parentLow, parentHigh, hashLow, hashHigh } = entry;
        const forged = new Entry(op, view + 7, operation, parentLow, parentHigh, hashLow, hashHigh);
        return prepare(from, view, message.commit, forged);
      }
      default:
        return message;
    }
  }

  /** Now and then: makes up messages. `state` is its own. */
  strike(state: ReplicaState): void {
    if (!this.active || state.commit < 2 || FORGED_ON_THE_WAY.has(this.attack) || !this.lies()) return;
    const { replica, view, log, base, newest, commit } = state;
    const next = primaryOf(view + 1, this.replicaCount) === replica ? view + 2 : view + 1;
    const target = primaryOf(next, this.replicaCount);
    const attack: string = this.attack;
    switch (attack) {
      case "forged-view-change": {
        // It claims to have been normal in the very view that is beginning, with next to nothing in its log.
        const stump = log[Math.max(base, 1)]!;
        this.tellAll(startViewChange(replica, next));
        this.network.send(replica, target, doViewChange(replica, next, next, commit, stump));
        break;
      }
      case "view-change-merge": {
        // It claims a log of its own making in place of what was committed last.
        const { client, session, tenant, request: number } = log[commit]!.operation;
        const other = new Operation(OPERATION.read, 0, 0, client, number, session, tenant);
        const made = commit - 1 >= base ? entryAfter(log[commit - 1]!, view, other) : newest;
        this.tellAll(startViewChange(replica, next));
        this.network.send(replica, target, doViewChange(replica, next, next, commit, made));
        break;
      }
      case "tail-mismatch": {
        const { hashLow, hashHigh } = log[commit]!;
        const head = { op: newest.op + 5, hashLow, hashHigh };
        this.network.send(replica, target, doViewChange(replica, next, state.logView, commit, head));
        break;
      }
      case "identical-claims":
        for (let copy = 0; copy < 3; copy++) {
          this.tellAll(doViewChange(replica, view, state.logView, commit, newest));
        }
        break;
      case "oversized-start-view": {
        const { hashLow, hashHigh } = newest;
        this.tellAll(startView(replica, view + 1, commit, { op: FAR_AWAY, hashLow, hashHigh }));
        break;
      }
      case "invalid-repair-range":
        for (const [first, last] of [
          [FAR_AWAY, newest.op],
          [0, FAR_AWAY],
          [-5, -1],
        ] as const) {
          const { hashLow, hashHigh } = newest;
          this.tellAll(requestEntries(replica, view, first, { op: last, hashLow, hashHigh }));
        }
        break;
      case "invalid-command": {
        const { client, session, tenant, request: number } = newest.operation;
        this.tellAll(request(replica, new Operation(99, FAR_AWAY, 0, client, number + 1, session, tenant)));
        this.tellAll(request(replica, new Operation(OPERATION.write, -1, 0, client, number + 1, session, tenant)));
        break;
      }
      default:
        break;
    }
  }

  private tellAll(message: Message): void {
    for (let to = 0; to < this.replicaCount; to++)
      if (to !== this.replica) this.network.send(this.replica, to, message);
  }
}

const FORGED_ON_THE_WAY: ReadonlySet<Attack> = new Set([
  "equivocation",
  "inflated-commit",
  "commit-desync",
  "invalid-metadata",
]);
