/** What a stack says of itself: `pulumi stack output --json` and `pulumi config --json`, checked. */
import { z } from "zod";
import { KimtestError } from "../../contracts/errors.ts";
import { read, type Pulumi } from "./pulumi.ts";

export { bareName, DEFAULT_REGION } from "./stack-name.ts";

export const outputsSchema = z.object({
  instance_id: z.string().min(1),
  s3_bucket: z.string().min(1),
  sns_topic: z.string().min(1),
  log_group: z.string().min(1),
  region: z.string().min(1),
  dashboard_url: z.string().min(1),
  stack_parameter: z.string().min(1),
});
export type Outputs = z.infer<typeof outputsSchema>;

const configSchema = z.record(z.string(), z.object({ value: z.string().optional(), secret: z.boolean().optional() }));
export type StackConfig = z.infer<typeof configSchema>;

/** undefined when the stack has none: it was never deployed, or is destroyed. */
export async function readOutputs(pulumi: Pulumi, stop: AbortSignal): Promise<Outputs | undefined> {
  const answer = await read(pulumi, ["stack", "output", "--json", "--stack", pulumi.stack], stop);
  if (answer.exitCode !== 0) {
    throw new KimtestError("CLOUD_FAILED", `pulumi cannot read the outputs of stack ${pulumi.stack}: ${answer.reason}`);
  }
  const data = parsedJson(answer.stdout);
  if (typeof data === "object" && data !== null && Object.keys(data).length === 0) return undefined;
  const checked = outputsSchema.safeParse(data);
  if (checked.success) return checked.data;
  const missing = checked.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new KimtestError("CORRUPT_DATA", `the outputs of stack ${pulumi.stack} are not as expected: ${missing}`, {
    hint: "they are of another version, or the stack's first deployment was cut short; deploy it again",
  });
}

export type ConfigAnswer =
  | { readonly kind: "read"; readonly config: StackConfig }
  | { readonly kind: "no-stack" }
  | { readonly kind: "failed"; readonly reason: string };

/** The text that Pulumi's own automation API recognises this by, too. */
const NO_STACK = /no stack named.*found/;

export async function readConfig(pulumi: Pulumi, stop: AbortSignal): Promise<ConfigAnswer> {
  const answer = await read(pulumi, ["config", "--json", "--stack", pulumi.stack], stop);
  if (answer.exitCode !== 0) {
    return NO_STACK.test(answer.reason) ? { kind: "no-stack" } : { kind: "failed", reason: answer.reason };
  }
  const checked = configSchema.safeParse(parsedJson(answer.stdout));
  return checked.success
    ? { kind: "read", config: checked.data }
    : { kind: "failed", reason: "`pulumi config --json` printed something else than settings" };
}

export function settingOf(config: StackConfig, project: string, key: string): string | undefined {
  const entry = config[`${project}:${key}`];
  // A secret's value is not shown, but it is there.
  return entry?.secret === true ? (entry.value ?? "[secret]") : entry?.value;
}

/** undefined when it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
