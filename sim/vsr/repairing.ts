/**
 * Steering a log repair: it begins when the end of a log is learnt, goes on with every range of entries,
 * and ends with the log installed and the replica in the view it belongs to. (What is put together how is
 * in repair.ts.)
 */
import { commitUpTo } from "./commit.ts";
import { installLog } from "./journal.ts";
import type { Message } from "./messages.ts";
import { REPAIR_FOR, Repair } from "./repair-state.ts";
import { acceptCheckpoint, askForEntries, assemble, takeEntries, type RepairedLog } from "./repair.ts";
import { enterNormal, heardFromPrimary } from "./standing.ts";
import { STATUS, type Outputs, type ReplicaState } from "./state.ts";

/** `message` names the end of the log: its view, op and hash. `commit`: up to where it is committed. */
export function beginRepair(
  state: ReplicaState,
  purpose: number,
  message: Message,
  outputs: Outputs,
  commit = message.commit,
): void {
  const before = state.repair;
  const { op, hashLow, hashHigh, from, view } = message;
  if (before !== null && before.view === view && before.head.op >= op && before.purpose === purpose) return;
  state.resendAtUs = state.nowUs + state.configuration.timeouts.resendUs;
  state.repair = new Repair(purpose, view, commit, { op, hashLow, hashHigh }, from);
  if (!finishRepair(state, state.repair, outputs)) askForEntries(state, state.repair, false, outputs);
}

export function onEntries(state: ReplicaState, message: Message, outputs: Outputs): void {
  const { repair } = state;
  if (repair === null || !takeEntries(state, repair, message.log!)) return;
  outputs.repaired = true;
  if (!finishRepair(state, repair, outputs)) askForEntries(state, repair, false, outputs);
}

export function onCheckpoint(state: ReplicaState, message: Message, outputs: Outputs): void {
  const { repair } = state;
  if (repair === null) return;
  const checkpoint = message.checkpoint!;
  if (checkpoint.op > repair.head.op) {
    // The others have gone on and forgotten all of that log: its end must be learnt anew.
    state.repair = null;
  } else if (acceptCheckpoint(state, repair, checkpoint)) {
    finishRepair(state, repair, outputs);
  }
}

/** Asks everybody again: the question or the answer may be lost, or the one asked may be gone. */
export function resendRepair(state: ReplicaState, outputs: Outputs): void {
  if (state.repair === null) return;
  state.resendAtUs = state.nowUs + state.configuration.timeouts.resendUs;
  askForEntries(state, state.repair, true, outputs);
}

/** True when the repair is over, one way or the other. */
function finishRepair(state: ReplicaState, repair: Repair, outputs: Outputs): boolean {
  if (state.status === STATUS.normal && repair.view === state.view && repair.head.op <= state.op) {
    // The entries came on the usual way meanwhile.
    state.repair = null;
    return true;
  }
  const assembled = assemble(state, repair);
  if (assembled === "missing") return false;
  state.repair = null;
  if (assembled === "conflict" || !install(state, repair, assembled, outputs)) {
    outputs.panicDuring = DURING[repair.purpose as 0];
    outputs.panic = `the log of view ${repair.view} would undo a committed operation`;
  }
  return true;
}

const DURING = ["view change", "view change", "state transfer", "recovery"] as const;

function install(state: ReplicaState, repair: Repair, assembled: RepairedLog, outputs: Outputs): boolean {
  const { purpose, view, commit } = repair;
  const recovering = state.status === STATUS.recovering;
  const staysInView = state.status === STATUS.normal && state.view === view;
  if (!installLog(state, assembled, view, recovering, outputs)) return false;
  if (purpose !== REPAIR_FOR.viewChange) {
    if (!staysInView) enterNormal(state);
    if (recovering) outputs.recovered = true;
    heardFromPrimary(state);
  }
  commitUpTo(state, commit, outputs);
  return true;
}
