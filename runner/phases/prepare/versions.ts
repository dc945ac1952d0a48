/** Asks the compilers and tools of the profile what they are: results of another compiler are other results. */
import { runTool } from "../../tools/tool-run.ts";
import type { PhaseContext } from "../context.ts";

const DEADLINE_MS = 60_000;
const MAX_LENGTH = 200;

/** The first line each prints; null when it could not be asked. */
export async function readVersions(context: PhaseContext): Promise<Record<string, string | null>> {
  const { processes, profile, signal } = context;
  context.live.activity = "asking tools for their versions";
  const versions: Record<string, string | null> = {};
  for (const [name, command] of Object.entries(profile.build?.versions ?? {})) {
    const { end, text } = await runTool(processes, {
      command,
      cwd: profile.work_tree,
      deadlineMs: DEADLINE_MS,
      signal,
    });
    // rustup speaks first when it fetches a toolchain.
    const line = text.split("\n").find((one) => one.trim() !== "" && !/^(info|warning): /.test(one));
    const isAnswer = end.ending === "exited" && end.exitCode === 0 && line !== undefined;
    versions[name] = isAnswer ? line.trim().slice(0, MAX_LENGTH) : null;
  }
  return versions;
}
