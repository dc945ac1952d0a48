/** Messages under way: putting them in order, leaving out those that matter no more, naming them. */
import { MESSAGE, MESSAGE_NAMES, type Message } from "../vsr/messages.ts";
import { STATUS, isPrimary } from "../vsr/state.ts";
import type { Envelope, Node } from "./world.ts";

/** Two lists by rising id as one, each envelope once. */
export function merged(envelopes: readonly Envelope[], sent: readonly Envelope[]): readonly Envelope[] {
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
export function isDead(message: Message, receiver: Node): boolean {
  const { kind, view } = message;
  const { state } = receiver;
  // What a repair asked for is sent again when it asks again.
  if (kind === MESSAGE.entries) return state.repair === null;
  if (kind === MESSAGE.requestEntries) return false;
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

/** For the trace of a violation. */
export function deliveryOf({ message, to }: Envelope): string {
  const { kind, view, op, from } = message;
  return `deliver ${MESSAGE_NAMES[kind as 0]} (view ${view}, op ${op}) from ${from} to ${to}`;
}
