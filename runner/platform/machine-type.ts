/**
 * What the cloud calls this machine (`c7g.xlarge`): benchmarks of different machine types are never compared.
 *
 * Asked from the instance metadata service, which alone knows it: settings may be older than the machine. A service
 * that does not answer is asked again; a wrong name would begin a history of its own.
 */
import { reasonOf } from "../../contracts/errors.ts";
import type { Clock } from "./clock.ts";
import { instanceMetadata } from "./instance-metadata.ts";
import type { Log } from "./log.ts";

const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
const MACHINE_TYPE = /^[a-z0-9][a-z0-9.-]{1,49}$/;

export interface MachineTypeOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Null when it cannot be known. */
export async function machineTypeOf({ env, clock, log, signal }: MachineTypeOptions): Promise<string | null> {
  const metadata = instanceMetadata(env, () => clock.monotonicMs());
  if (metadata === undefined) return null;
  let problem = "";
  for (let attempt = 1; attempt <= ATTEMPTS && !signal.aborted; attempt += 1) {
    if (attempt > 1) await clock.sleep(PAUSE_MS, signal);
    try {
      const text = (await metadata.read("instance-type"))?.trim() ?? "";
      if (MACHINE_TYPE.test(text)) return text;
      problem = `"${text}" is no instance type`;
      break;
    } catch (error) {
      problem = reasonOf((error as { cause?: unknown }).cause ?? error); // fetch hides why in the cause
    }
  }
  log.warn(
    { endpoint: metadata.endpoint, reason: problem },
    "the machine type is not known: benchmarks go by the CPU's name",
  );
  return null;
}
