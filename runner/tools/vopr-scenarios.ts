/** Which scenarios a `vopr` has, by its own list. */
import { z } from "zod";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { VoprProfile } from "../../contracts/profile/vopr.ts";
import type { Processes } from "../platform/processes.ts";
import { decodeJson } from "../store/read-json.ts";

const DEADLINE_MS = 60_000;
const MAX_LINES = 10_000;

export type ScenarioListQuestion = NonNullable<VoprProfile["scenario_list"]>;

const jsonListSchema = z.looseObject({ scenarios: z.array(z.looseObject({ name: z.string().min(1) })).min(1) });

/** Kimberlite's: a title, then per scenario its display name, indented by two, and its description by four. */
const KIMBERLITE_TITLE = /^Available (Test )?Scenarios:/;
const KIMBERLITE_NAME = /^ {2}(\S.*)$/;

/** @throws KimtestError `CORRUPT_DATA` when the text is no such list, or an empty one. */
export function scenariosIn(text: string, format: ScenarioListQuestion["format"]): string[] {
  const what = "the list of scenarios";
  if (format === "json") return decodeJson(text, what, jsonListSchema).scenarios.map(({ name }) => name);
  const lines = text.split("\n");
  const names = lines.flatMap((line) => KIMBERLITE_NAME.exec(line)?.[1]?.trimEnd() ?? []);
  if (!lines.some((line) => KIMBERLITE_TITLE.test(line)) || names.length === 0)
    throw new KimtestError("CORRUPT_DATA", `${what} does not look like Kimberlite's`);
  return names;
}

export type ScenarioList = { readonly names: readonly string[] } | { readonly problem: string };

export async function askForScenarios(
  processes: Processes,
  profile: VoprProfile,
  question: ScenarioListQuestion,
  { cwd, signal }: { readonly cwd: string; readonly signal: AbortSignal },
): Promise<ScenarioList> {
  const lines: string[] = [];
  const end = await processes.run({
    command: [...profile.command, ...question.arguments],
    cwd,
    deadlineMs: DEADLINE_MS,
    signal,
    onLine: (line) => (lines.push(line) > MAX_LINES ? "stop" : "continue"),
  });
  if (end.ending !== "exited" || end.exitCode !== 0)
    return { problem: `the simulator could not be asked for its scenarios: ${end.description}` };
  try {
    return { names: scenariosIn(lines.join("\n"), question.format) };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}
