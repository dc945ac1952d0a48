/**
 * A name for "this very process", to be put into lock and temporary file names, and the answer to whether
 * the process that chose such a name still lives.
 *
 * A process number alone is reused; with the start time and the boot it is not. The parts come from
 * proc(5). Where there is no /proc (macOS) only the number is checked, which can take a dead owner for a
 * living one but never a living one for dead.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

import { systemCodeOf } from "../../contracts/errors.ts";
import { fromProc, processStat } from "../platform/process-table.ts";

interface Origin {
  /** This boot of this machine. */
  readonly boot: string;
  /** The set of processes whose numbers can be compared (containers have their own). */
  readonly namespace: string;
}

const TOKEN = /^(\d+)-(\d+)-([0-9a-f]+)-(\d+)-[0-9a-f]+$/;

function readOrigin(): Origin {
  const boot = fromProc(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const namespace = fromProc(() => readlinkSync("/proc/self/ns/pid"));
  return {
    boot: boot === undefined ? "0" : boot.replace(/[^0-9a-f]/g, "").slice(0, 12),
    namespace: /\d+/.exec(namespace ?? "")?.[0] ?? "0",
  };
}

let own: (Origin & { readonly startTicks: string }) | undefined;

function ownOrigin(): Origin & { readonly startTicks: string } {
  own ??= { ...readOrigin(), startTicks: processStat(process.pid)?.startTicks ?? "0" };
  return own;
}

/** A new unique name that leads back to this process. Safe as a file name, at most about 80 characters. */
export function newOwnerToken(): string {
  const { boot, namespace, startTicks } = ownOrigin();
  return [process.pid, startTicks, boot, namespace, randomBytes(8).toString("hex")].join("-");
}

/** The process number in a token, or undefined when it is no token. */
export function ownerPidOf(token: string): number | undefined {
  const digits = TOKEN.exec(token)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Whether the process that made this token is surely gone.
 *
 * False when in doubt: another container's process cannot be judged, nor can a name that is no token.
 */
export function isOwnerDead(token: string): boolean {
  const [, pidText, startTicks, boot, namespace] = TOKEN.exec(token) ?? [];
  if (pidText === undefined || startTicks === undefined) return false;
  const here = ownOrigin();
  if (boot !== here.boot) return true;
  if (namespace !== here.namespace) return false;
  const pid = Number(pidText);
  if (here.boot !== "0") {
    const stat = processStat(pid);
    // Z and X: killed, only not yet collected by its parent.
    return stat === undefined || stat.startTicks !== startTicks || stat.state === "Z" || stat.state === "X";
  }
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return systemCodeOf(error) === "ESRCH";
  }
}
