/** All that can happen next in a world: deliveries, requests, timeouts, crashes. */
import { OPERATION, Operation } from "../database/operation.ts";
import { CommittedHistory } from "../invariants/vsr-agreement.ts";
import { MESSAGE, request, type Message } from "../vsr/messages.ts";
import { TIMER } from "../vsr/replica.ts";
import { DEFAULT_TIMEOUTS, STATUS, isPrimary, mayVote, type PlantedBugs, type ReplicaState } from "../vsr/state.ts";
import type { ExploredDisk } from "./disk.ts";
import { deliveryOf, isDead, merged } from "./envelopes.ts";
import { Reactions } from "./reactions.ts";
import type { Symmetry } from "./symmetry.ts";
import { violationOf } from "./violations.ts";
import type { Envelope, Node, Reaction, Scope, Successor, World } from "./world.ts";

export class Successors {
  readonly symmetry: Symmetry;
  private readonly scope: Scope;
  private readonly reactions: Reactions;
  private readonly requests: Message[] = [];

  constructor(scope: Scope, bugs: PlantedBugs) {
    this.scope = scope;
    const { replicas, operations } = scope;
    const configuration = {
      replicaCount: replicas,
      database: { tenants: 1, keysPerTenant: 1, clients: operations, sessions: operations },
      checkpointInterval: 0,
      timeouts: DEFAULT_TIMEOUTS,
      bugs,
    };
    this.reactions = new Reactions(scope, configuration);
    this.symmetry = this.reactions.symmetry;
    for (let client = 0; client < operations; client++) {
      this.requests.push(request(replicas + client, new Operation(OPERATION.register, 0, 0, client, 0, 0, 0)));
    }
  }

  first(): World {
    const nodes: Node[] = [];
    for (let replica = 0; replica < this.scope.replicas; replica++) nodes.push(this.reactions.firstNode(replica));
    const { crashes, corruptions } = this.scope;
    return {
      nodes,
      envelopes: [],
      crashesLeft: crashes,
      corruptionsLeft: corruptions,
      history: new CommittedHistory(),
    };
  }

  of(world: World): Successor[] {
    const found: Successor[] = [];
    const mayDoom = world.crashesLeft > world.nodes.filter((node) => node.doomed).length;
    for (const envelope of world.envelopes) {
      const { message, to } = envelope;
      const node = world.nodes[to]!;
      const reactions = this.reactions.toMessage(node, message, envelope.input);
      // Asked again, a replica would answer with what it has by then; once is enough to catch up.
      const asksForMore = message.kind === MESSAGE.getState || message.kind === MESSAGE.requestEntries;
      const delivered = asksForMore ? envelope : null;
      this.add(world, node, reactions, mayDoom, found, () => deliveryOf(envelope), delivered);
    }
    for (const node of world.nodes) {
      this.addRequests(world, node, mayDoom, found);
      this.addTimer(world, node, mayDoom, found);
      if (world.crashesLeft > 0 && (node.doomed || mayDoom)) this.addCrashes(world, node, found);
    }
    return found;
  }

  private addRequests(world: World, node: Node, mayDoom: boolean, found: Successor[]): void {
    const { state } = node;
    if (state.status !== STATUS.normal || !isPrimary(state) || !mayVote(state)) return;
    this.requests.forEach((message, client) => {
      if (holds(state, message)) return;
      const reactions = this.reactions.toMessage(node, message, `request ${client}`);
      this.add(world, node, reactions, mayDoom, found, () => `request ${client} to ${state.replica}`);
    });
  }

  private addTimer(world: World, node: Node, mayDoom: boolean, found: Successor[]): void {
    const { state } = node;
    const asPrimary = state.status === STATUS.normal && isPrimary(state);
    if (asPrimary ? !this.scope.heartbeats : state.status === STATUS.recovering || state.view >= this.scope.maxView)
      return;
    const reactions = this.reactions.toTimer(node, asPrimary ? TIMER.heartbeat : TIMER.viewChange);
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
    for (const reaction of this.reactions.toCrash(node, name, disk)) {
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
}

/** True when a client's request is in the log already. */
function holds(state: ReplicaState, message: Message): boolean {
  const { client } = message.operation!;
  return state.log.some((entry, op) => op > 0 && entry.operation.client === client);
}
