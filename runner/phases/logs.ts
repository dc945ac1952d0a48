/** What a build, a proof tool or a suite printed, kept in the store beside the result that was read from it. */
import { logKey } from "../../contracts/bucket.ts";
import { HeadAndTail } from "../platform/lines.ts";
import type { PhaseContext } from "./context.ts";

/** Bytes kept of the head of a log, and again of its tail. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Stores a log of the running phase and returns its key; the gap in a long one is marked.
 *
 * @param name of a build step, a check, a suite or a target; the log of a later attempt replaces an earlier one's
 */
export async function storeLog(context: PhaseContext, name: string, text: string): Promise<string> {
  const { cycle, phase } = context.state.get();
  const key = logKey(cycle, phase, name);
  const kept = new HeadAndTail(KEPT_BYTES);
  kept.push(Buffer.from(text));
  await context.outbox.put(key, kept.toString(), { supersedes: true });
  return key;
}
