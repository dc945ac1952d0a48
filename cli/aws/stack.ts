/**
 * Which deployed stack a command is about, and where its parts are.
 *
 * The name: as somebody said it (cli/choice.ts), else the stack that Pulumi has selected in this checkout, else the
 * only stack that there is. The region: as somebody said it, else Pulumi's, else the AWS profile's, else us-east-1.
 * What is known of a stack is in one SSM parameter, which the deployment writes (contracts/stack.ts): so commands need
 * neither Pulumi nor its state.
 */
import {
  GetParameterCommand,
  paginateGetParametersByPath,
  ParameterNotFound,
  SSMClient,
  type SSMClientConfig,
} from "@aws-sdk/client-ssm";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { parseJson } from "../../contracts/json.ts";
import {
  PARAMETER_ROOT,
  serviceParameterName,
  serviceSettingsSchema,
  stackInParameterName,
  stackParameterName,
  stackParameterSchema,
  type ServiceSettings,
  type StackParameter,
} from "../../contracts/stack.ts";
import { choose, type Chosen, type Here, type StackChoice } from "../choice.ts";
import { askPulumi, type PulumiSays } from "../infra/selected-stack.ts";
import { bareName, DEFAULT_REGION } from "../infra/stack-name.ts";
import { readProjectFile } from "../project-file.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export type { StackChoice } from "../choice.ts";

export interface FoundStack {
  readonly parts: StackParameter;
  readonly target: AwsTarget;
  /** Who named it, for people. */
  readonly by: string;
}

/** Pages of ten parameters; a stack has two. */
const MAX_PAGES = 100;

export const HERE: Here = {
  env: process.env,
  get folder() {
    return process.cwd();
  },
};

/** @throws KimtestError `USAGE`, `NOT_DEPLOYED`, `CORRUPT_DATA` or `CLOUD_FAILED`, each with what to type next. */
export async function findStack(choice: StackChoice, stop: AbortSignal, here: Here = HERE): Promise<FoundStack> {
  return findChosenStack(choose(choice, here.env, await readProjectFile(here.folder)), stop, here);
}

export async function findChosenStack(chosen: Chosen, stop: AbortSignal, here: Here): Promise<FoundStack> {
  const said = chosen.stack === undefined ? undefined : bareName(chosen.stack.value, chosen.stack.by);
  // Pulumi takes a second or two: it is not asked for what somebody has said.
  const pulumi: PulumiSays = said === undefined ? await askPulumi(here.folder, chosen.profile?.value, stop) : {};
  const target = await targetOf(chosen, pulumi.selected?.region);
  const client = new SSMClient(clientConfig(target));
  try {
    const wanted = said ?? pulumi.selected?.name;
    const name = wanted ?? onlyOne(await namesOf(client, target, stop), target.region, pulumi.reason);
    const text = await readParameter(client, stackParameterName(name), target, stop);
    if (text === undefined) throw await notFound(name, client, target, stop, pulumi);
    const by = chosen.stack?.by ?? (pulumi.selected === undefined ? `the only one in ${target.region}` : "Pulumi");
    return { parts: partsOf(text, name, target.region), target, by };
  } finally {
    client.destroy();
  }
}

/** What the service of the stack runs at its next start. */
export async function readServiceSettings(found: FoundStack, stop: AbortSignal): Promise<ServiceSettings> {
  const client = new SSMClient(clientConfig(found.target));
  const name = serviceParameterName(found.parts.stack);
  try {
    const text = await readParameter(client, name, found.target, stop);
    const read = text === undefined ? undefined : serviceSettingsSchema.safeParse(parseJson(text, name));
    if (read?.success === true) return read.data;
    throw new KimtestError("CORRUPT_DATA", `the SSM parameter ${name} is missing or of another version`, {
      hint: `deploy it again with this checkout: kimtest deploy-infra --stack ${found.parts.stack}`,
    });
  } finally {
    client.destroy();
  }
}

/** `selected`: the region of the stack that Pulumi has selected. */
export async function targetOf(chosen: Chosen, selected?: string): Promise<AwsTarget> {
  const profile = chosen.profile?.value;
  const region = chosen.region?.value ?? selected ?? (await regionOfProfile(profile));
  if (!/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region)) {
    throw new KimtestError("USAGE", `"${region}" is not an AWS region`, { hint: "for example --region us-east-1" });
  }
  return { region, profile };
}

/** As the SDK reads it from the AWS configuration file; it rejects where nothing is said. */
async function regionOfProfile(profile: string | undefined): Promise<string> {
  const client = new SSMClient((profile === undefined ? {} : { profile }) satisfies SSMClientConfig);
  try {
    return await client.config.region();
  } catch (error) {
    if (reasonOf(error) === "Region is missing") return DEFAULT_REGION;
    throw error;
  } finally {
    client.destroy();
  }
}

async function readParameter(
  client: SSMClient,
  name: string,
  { profile }: AwsTarget,
  stop: AbortSignal,
): Promise<string | undefined> {
  const read = async (): Promise<string | undefined> => {
    try {
      const answer = await client.send(new GetParameterCommand({ Name: name }), { abortSignal: stop });
      return answer.Parameter?.Value ?? "";
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  };
  return asking(`cannot read the SSM parameter ${name}`, read(), profile);
}

async function namesOf(client: SSMClient, { region, profile }: AwsTarget, stop: AbortSignal): Promise<string[]> {
  const walk = async (): Promise<string[]> => {
    const names: string[] = [];
    let count = 0;
    const query = { Path: `${PARAMETER_ROOT}/`, Recursive: true };
    for await (const page of paginateGetParametersByPath({ client }, query, { abortSignal: stop })) {
      names.push(...(page.Parameters ?? []).flatMap(({ Name: path = "" }) => stackInParameterName(path) ?? []));
      count += 1;
      if (count === MAX_PAGES) {
        throw new KimtestError("LIMIT_EXCEEDED", `there are too many parameters under ${PARAMETER_ROOT}/`, {
          hint: "name the stack with --stack",
        });
      }
    }
    return names.sort();
  };
  return asking(`cannot list the stacks in ${region}`, walk(), profile);
}

/** `noPulumi`: why Pulumi told of none. */
function onlyOne(names: readonly string[], region: string, noPulumi = ""): string {
  const [first, ...others] = names;
  if (first === undefined) {
    const elsewhere = "deploy one (kimtest deploy-infra --create), or look elsewhere with --region or --profile";
    throw new KimtestError("NOT_DEPLOYED", `no stack is deployed in ${region}, as far as this account sees`, {
      hint: noPulumi === "" ? elsewhere : `${elsewhere}; Pulumi tells of none here: ${noPulumi}`,
    });
  }
  if (others.length === 0) return first;
  throw new KimtestError("USAGE", `several stacks are deployed in ${region}: ${names.join(", ")}`, {
    hint: "choose one with --stack, KIMTEST_STACK or kimtest.json",
  });
}

async function notFound(
  name: string,
  client: SSMClient,
  target: AwsTarget,
  stop: AbortSignal,
  { selected }: PulumiSays,
): Promise<KimtestError> {
  const pulumi =
    selected === undefined ? "" : `Pulumi has selected it here, and says that it is in ${selected.region}; `;
  return new KimtestError("NOT_DEPLOYED", `stack ${name} is not deployed in ${target.region}`, {
    hint: pulumi + (await whatThereIs(client, target, stop)),
  });
}

/** Whoever may read one parameter may not always list them; that is said, and hides nothing of the error itself. */
async function whatThereIs(client: SSMClient, target: AwsTarget, stop: AbortSignal): Promise<string> {
  const elsewhere = "look elsewhere with --region or --profile";
  try {
    const names = await namesOf(client, target, stop);
    return names.length === 0 ? `no stack is; ${elsewhere}` : `deployed there: ${names.join(", ")}; or ${elsewhere}`;
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    return `which stacks are is not known (${reasonOf(error)}); ${elsewhere}`;
  }
}

function partsOf(text: string, name: string, region: string): StackParameter {
  const path = stackParameterName(name);
  const read = stackParameterSchema.safeParse(parseJson(text, `the SSM parameter ${path}`));
  if (!read.success) {
    const wrong = [...new Set(read.error.issues.map((issue) => issue.path.join(".") || issue.message))].join(", ");
    throw new KimtestError("CORRUPT_DATA", `the SSM parameter ${path} is not as expected: ${wrong}`, {
      hint: `it is of another version; deploy it again with this checkout: kimtest deploy-infra --stack ${name}`,
    });
  }
  if (read.data.stack === name && read.data.region === region) return read.data;
  throw new KimtestError(
    "CORRUPT_DATA",
    `the SSM parameter ${path} in ${region} tells of stack ${read.data.stack} in ${read.data.region}`,
    { hint: `somebody changed it; deploy it again: kimtest deploy-infra --stack ${name}` },
  );
}
