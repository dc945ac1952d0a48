/**
 * The one entry to the replica state machine: `step(state, input, outputs)`.
 *
 * It changes the state, fills the outputs, and touches nothing else; the same states and inputs give the
 * same outputs everywhere. Whoever calls it owns time, network and disk.
 */
import { onDiskDone, writeJournal } from "./journal.ts";
import { MESSAGE, type Message } from "./messages.ts";
import {
  acknowledgeDurable,
  onCommit,
  onGetState,
  onNewState,
  onPrepare,
  onPrepareOk,
  onRequest,
  sendHeartbeat,
} from "./normal.ts";
import { onRecovery, onRecoveryResponse, resendRecovery } from "./recovery.ts";
import { onRequestEntries } from "./repair.ts";
import { onCheckpoint, onEntries, resendRepair } from "./repairing.ts";
import { STATUS, isPrimary, type Outputs, type ReplicaState } from "./state.ts";
import {
  advanceViewChange,
  beginViewChange,
  onDoViewChange,
  onStartView,
  onStartViewChange,
  resendViewChange,
} from "./view-change.ts";

/** Operations that the projection takes over at a time. */
const APPLIED_PER_TICK = 8;

export const INPUT = {
  /** Time has passed; timers that are due fire. */
  tick: 0,
  message: 1,
  /** The write or fsync asked for last has ended. */
  diskDone: 2,
  /** One timer fires now, whatever the time. */
  timer: 3,
} as const;

export const TIMER = { viewChange: 0, heartbeat: 1, resend: 2 } as const;

/** One input; the same object may be used again for the next. */
export class Input {
  kind: number = INPUT.tick;
  nowUs = 0;
  message: Message | null = null;
  timer: number = TIMER.viewChange;
}

export function step(state: ReplicaState, input: Input, outputs: Outputs): void {
  state.nowUs = input.nowUs;
  switch (input.kind) {
    case INPUT.tick:
      onTick(state, outputs);
      break;
    case INPUT.message:
      onMessage(state, input.message!, outputs);
      break;
    case INPUT.diskDone:
      if (onDiskDone(state, outputs)) {
        acknowledgeDurable(state, outputs);
        advanceViewChange(state, outputs);
      }
      break;
    case INPUT.timer:
      onTimer(state, input.timer, outputs);
      break;
    default:
      throw new Error(`unknown input ${input.kind}`);
  }
  writeJournal(state, outputs);
}

function onTick(state: ReplicaState, outputs: Outputs): void {
  const nowUs = state.nowUs;
  state.projection.apply(APPLIED_PER_TICK);
  if (state.status === STATUS.normal && isPrimary(state)) {
    if (nowUs >= state.heartbeatAtUs) onTimer(state, TIMER.heartbeat, outputs);
    return;
  }
  if (state.status !== STATUS.recovering && nowUs >= state.viewChangeAtUs) {
    onTimer(state, TIMER.viewChange, outputs);
  } else if ((state.status !== STATUS.normal || state.repair !== null) && nowUs >= state.resendAtUs) {
    onTimer(state, TIMER.resend, outputs);
  }
}

function onTimer(state: ReplicaState, timer: number, outputs: Outputs): void {
  const normal = state.status === STATUS.normal;
  if (timer === TIMER.heartbeat) {
    if (normal && isPrimary(state)) sendHeartbeat(state, outputs);
  } else if (timer === TIMER.viewChange) {
    if (state.status !== STATUS.recovering && !(normal && isPrimary(state))) beginViewChange(state, state.view + 1);
  } else {
    if (state.status === STATUS.viewChange) resendViewChange(state, outputs);
    if (state.status === STATUS.recovering) resendRecovery(state, outputs);
    resendRepair(state, outputs);
  }
}

function onMessage(state: ReplicaState, message: Message, outputs: Outputs): void {
  switch (message.kind) {
    case MESSAGE.request:
      onRequest(state, message, outputs);
      break;
    case MESSAGE.prepare:
      onPrepare(state, message, outputs);
      break;
    case MESSAGE.prepareOk:
      onPrepareOk(state, message, outputs);
      break;
    case MESSAGE.commit:
      onCommit(state, message, outputs);
      break;
    case MESSAGE.startViewChange:
      onStartViewChange(state, message, outputs);
      break;
    case MESSAGE.doViewChange:
      onDoViewChange(state, message, outputs);
      break;
    case MESSAGE.startView:
      onStartView(state, message, outputs);
      break;
    case MESSAGE.recovery:
      onRecovery(state, message, outputs);
      break;
    case MESSAGE.recoveryResponse:
      onRecoveryResponse(state, message, outputs);
      break;
    case MESSAGE.getState:
      onGetState(state, message, outputs);
      break;
    case MESSAGE.newState:
      onNewState(state, message, outputs);
      break;
    case MESSAGE.requestEntries:
      onRequestEntries(state, message, outputs);
      break;
    case MESSAGE.entries:
      onEntries(state, message, outputs);
      break;
    case MESSAGE.checkpoint:
      onCheckpoint(state, message, outputs);
      break;
    default:
      throw new Error(`a replica was sent a message of kind ${message.kind}`);
  }
}
