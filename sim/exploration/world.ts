/**
 * The world of an exploration: replicas, their disks, and all messages ever sent.
 *
 * The replicas run the very code of the simulation (vsr/). Replicas with their disks ("nodes") and
 * messages ("envelopes") are kept once each and numbered, so that a world is a short list of numbers, and
 * what a node does with an input is computed once however many worlds it happens in.
 *
 * Messages stay under way for ever: every one may be delivered at any time, in any order, any number of
 * times while it can still matter (see envelopes.ts), or never. An fsync either ends at once, or never:
 * then its replica is doomed to crash before it (one that ends late is the same as one that ended at once
 * with its messages late). A replica that crashed restarts in the same action (staying down is the same
 * as having nothing delivered).
 */
import type { InvariantName } from "../invariants/catalogue.ts";
import type { CommittedHistory } from "../invariants/vsr-agreement.ts";
import type { Entry } from "../vsr/log.ts";
import type { Message } from "../vsr/messages.ts";
import type { ReplicaState } from "../vsr/state.ts";
import type { ExploredDisk } from "./disk.ts";
import type { Images } from "./symmetry.ts";

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
  /** Of worlds that differ by a renaming of the clients one is visited. */
  readonly symmetry: boolean;
}

/** A replica with its disk. Interned: equal nodes are one object. */
export interface Node {
  readonly images: Images;
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
  readonly images: Images;
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
  readonly history: CommittedHistory;
}

/** A world that follows from another by one action. */
export interface Successor {
  readonly action: () => string;
  readonly world: World;
  readonly violation: FoundViolation | null;
}
