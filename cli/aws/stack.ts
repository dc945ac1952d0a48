/**
 * Which deployed stack a command is about, and where its parts are.
 *
 * The name: --stack, else KIMTEST_STACK, else the only stack that there is. The region: --region, else AWS_REGION or
 * AWS_DEFAULT_REGION, else the AWS profile's, else us-east-1. What is known of a stack is in one SSM parameter, which
 * the deployment writes (contracts/stack.ts): so commands need neither Pulumi nor its state.
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
  stackParameterName,
  stackParameterSchema,
  type ServiceSettings,
  type StackParameter,
} from "../../contracts/stack.ts";
import { bareName, DEFAULT_REGION } from "../infra/stack-name.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

/** As the options of the same names give them. */
export interface StackChoice {
  readonly stack?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

export interface FoundStack {
  readonly parts: StackParameter;
  readonly target: AwsTarget;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Pages of ten parameters; a stack has two. */
const MAX_PAGES = 100;

/** @throws KimtestError `USAGE`, `NOT_DEPLOYED`, `CORRUPT_DATA` or `CLOUD_FAILED`, each with what to type next. */
export async function findStack(
  choice: StackChoice,
  stop: AbortSignal,
  env: Environment = process.env,
): Promise<FoundStack> {
  const asked = set(choice.stack) ?? set(env["KIMTEST_STACK"]);
  const wanted = asked === undefined ? undefined : bareName(asked);
  const target = await targetOf(choice, env);
  const client = new SSMClient(clientConfig(target));
  try {
    const name = wanted ?? onlyOne(await namesOf(client, target, stop), target.region);
    const text = await readParameter(client, stackParameterName(name), stop);
    if (text === undefined) throw await notFound(name, client, target, stop);
    return { parts: partsOf(text, name, target.region), target };
  } finally {
    client.destroy();
  }
}

/** What the service of the stack runs at its next start. */
export async function readServiceSettings(found: FoundStack, stop: AbortSignal): Promise<ServiceSettings> {
  const client = new SSMClient(clientConfig(found.target));
  const name = serviceParameterName(found.parts.stack);
  try {
    const text = await readParameter(client, name, stop);
    const read = text === undefined ? undefined : serviceSettingsSchema.safeParse(parseJson(text, name));
    if (read?.success === true) return read.data;
    throw new KimtestError("CORRUPT_DATA", `the SSM parameter ${name} is missing or of another version`, {
      hint: `deploy it again with this checkout: kimtest deploy-infra --stack ${found.parts.stack}`,
    });
  } finally {
    client.destroy();
  }
}

const set = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

export async function targetOf(choice: StackChoice, env: Environment): Promise<AwsTarget> {
  const { profile } = choice;
  const region =
    choice.region ?? set(env["AWS_REGION"]) ?? set(env["AWS_DEFAULT_REGION"]) ?? (await regionOfProfile(profile));
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

async function readParameter(client: SSMClient, name: string, stop: AbortSignal): Promise<string | undefined> {
  const read = async (): Promise<string | undefined> => {
    try {
      const answer = await client.send(new GetParameterCommand({ Name: name }), { abortSignal: stop });
      return answer.Parameter?.Value ?? "";
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  };
  return asking(`cannot read the SSM parameter ${name}`, read());
}

async function namesOf(client: SSMClient, { region }: AwsTarget, stop: AbortSignal): Promise<string[]> {
  const walk = async (): Promise<string[]> => {
    const names: string[] = [];
    let count = 0;
    const query = { Path: `${PARAMETER_ROOT}/`, Recursive: true };
    for await (const page of paginateGetParametersByPath({ client }, query, { abortSignal: stop })) {
      names.push(...(page.Parameters ?? []).flatMap(({ Name: path = "" }) => stackIn(path) ?? []));
      count += 1;
      if (count === MAX_PAGES) {
        throw new KimtestError("LIMIT_EXCEEDED", `there are too many parameters under ${PARAMETER_ROOT}/`, {
          hint: "name the stack with --stack",
        });
      }
    }
    return names.sort();
  };
  return asking(`cannot list the stacks in ${region}`, walk());
}

function stackIn(path: string): string | undefined {
  const name = path.split("/")[2] ?? "";
  return path === stackParameterName(name) ? name : undefined;
}

function onlyOne(names: readonly string[], region: string): string {
  const [first, ...others] = names;
  if (first === undefined) {
    throw new KimtestError("NOT_DEPLOYED", `no stack is deployed in ${region}, as far as this account sees`, {
      hint: "deploy one (kimtest deploy-infra --create), or look elsewhere with --region or --profile",
    });
  }
  if (others.length === 0) return first;
  throw new KimtestError("USAGE", `several stacks are deployed in ${region}: ${names.join(", ")}`, {
    hint: "choose one with --stack or KIMTEST_STACK",
  });
}

async function notFound(name: string, client: SSMClient, target: AwsTarget, stop: AbortSignal): Promise<KimtestError> {
  return new KimtestError("NOT_DEPLOYED", `stack ${name} is not deployed in ${target.region}`, {
    hint: await whatThereIs(client, target, stop),
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
