/**
 * The stack that Pulumi has selected in this checkout, told by its outputs.
 *
 * That there is none is no error: other ways lead to a stack, too. But why there is none is kept, for when they fail.
 */
import { stackInParameterName } from "../../contracts/stack.ts";
import { projectAt } from "./project.ts";

export interface PulumiSays {
  readonly selected?: { readonly name: string; readonly region: string };
  /** Why there is none; undefined where nobody can expect one. */
  readonly reason?: string;
}

/** The name of our Pulumi program; outputs of another one are not ours, whatever they are called. */
const PROJECT = "kimtest";
const DEADLINE_MS = 15_000;

/** @throws KimtestError `INTERRUPTED` only */
export async function askPulumi(folder: string, profile: string | undefined, stop: AbortSignal): Promise<PulumiSays> {
  const project = projectAt(folder);
  if (project === undefined) return {};
  if (project.name !== PROJECT) return { reason: `${project.folder} is the Pulumi project ${project.name}` };
  const [{ read }, { outputsSchema, parsedJson }] = await Promise.all([import("./pulumi.ts"), import("./outputs.ts")]);
  const env = profile === undefined ? {} : { AWS_PROFILE: profile };
  // Without --stack: the selected one.
  const answer = await read({ project, stack: "", env }, ["stack", "output", "--json"], stop, DEADLINE_MS);
  if (answer.exitCode !== 0) return { reason: answer.reason };
  const outputs = outputsSchema.safeParse(parsedJson(answer.stdout));
  const name = outputs.success ? stackInParameterName(outputs.data.stack_parameter) : undefined;
  if (outputs.success && name !== undefined) return { selected: { name, region: outputs.data.region } };
  return { reason: "the outputs of the selected stack are not those of a kimtest deployment" };
}
