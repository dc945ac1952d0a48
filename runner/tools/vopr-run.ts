/** One run of a `vopr` over a range of seeds, from its start to the judgement of its batch. */
import type { VoprRecord } from "../../contracts/vopr.ts";
import type { Processes } from "../platform/processes.ts";
import type { ProgramEnd, ProgramOptions } from "../platform/program-run.ts";
import { BatchReader, type BatchVerdict, type SeedRange } from "./vopr.ts";

export interface VoprRunOptions extends Omit<ProgramOptions, "onLine"> {
  readonly range: SeedRange;
  /** Called with each record that fits what came before; while a promise of it is open, no more is read. */
  readonly onRecord?: (record: VoprRecord) => Promise<void> | undefined;
}

export interface VoprRun {
  readonly end: ProgramEnd;
  readonly verdict: BatchVerdict;
  /** The seed it was at when it ended badly. */
  readonly suspect: bigint;
}

export async function runVopr(processes: Processes, { range, onRecord, ...options }: VoprRunOptions): Promise<VoprRun> {
  const reader = new BatchReader(range);
  const end = await processes.run({
    ...options,
    onLine: (line) => {
      const { next, record } = reader.take(line);
      // Only a promise is waited for: one per line would cost more than reading the line.
      const busy = record === undefined ? undefined : onRecord?.(record);
      return busy === undefined ? next : busy.then(() => next);
    },
  });
  return { end, verdict: reader.judge(end), suspect: reader.suspect };
}
