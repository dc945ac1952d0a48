/**
 * What the caller may do on a stack, as IAM simulates it: nothing is done.
 *
 * A simulation knows the identity's own policies, not those of the organisation or of resources: what it denies is
 * denied, what it allows nearly always works.
 */
import { IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import type { StackParameter } from "../../contracts/stack.ts";
import { serviceParameterName, stackParameterName } from "../../contracts/stack.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";
import type { Caller } from "./identity.ts";

export interface Denied {
  /** To see what is going on, to fetch failures. */
  readonly reading: readonly string[];
  /** To stop, start and restart the machine, and to open a shell on it. */
  readonly managing: readonly string[];
}

interface Question {
  readonly use: keyof Denied;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

const MAX_PAGES = 20;

export async function readDenied(
  caller: Caller,
  parts: StackParameter,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<Denied> {
  const client = new IAMClient(clientConfig(target));
  const ask = async ({ use, actions, resources }: Question) => ({
    use,
    denied: await deniedOf(client, principalOf(caller.arn), actions, resources, stop),
  });
  try {
    const questions = questionsOf(parts, caller.arn.split(":")[1] ?? "aws");
    const answers = await asking("IAM cannot tell what we may do", Promise.all(questions.map(ask)), target.profile);
    const of = (use: keyof Denied): string[] => answers.flatMap((answer) => (answer.use === use ? answer.denied : []));
    return { reading: of("reading"), managing: of("managing") };
  } finally {
    client.destroy();
  }
}

/** IAM simulates users and roles, not the sessions of a role. A role's path is not in its session's ARN. */
export function principalOf(arn: string): string {
  const [, partition, account, role] = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(arn) ?? [];
  return role === undefined ? arn : `arn:${partition ?? ""}:iam::${account ?? ""}:role/${role}`;
}

function questionsOf(parts: StackParameter, partition: string): Question[] {
  const { s3_bucket: bucket, region, account_id: account, stack, instance_id: instance, sns_topic: topic } = parts;
  const here = (service: string, path: string): string => `arn:${partition}:${service}:${region}:${account}:${path}`;
  const objects = `arn:${partition}:s3:::${bucket}`;
  const machine = here("ec2", `instance/${instance}`);
  return [
    { use: "reading", actions: ["s3:ListBucket"], resources: [objects] },
    { use: "reading", actions: ["s3:GetObject"], resources: [`${objects}/*`] },
    {
      use: "reading",
      actions: ["ssm:GetParameter"],
      resources: [stackParameterName(stack), serviceParameterName(stack)].map((name) =>
        here("ssm", `parameter${name}`),
      ),
    },
    { use: "reading", actions: ["logs:FilterLogEvents"], resources: [here("logs", `log-group:${parts.log_group}:*`)] },
    { use: "reading", actions: ["sns:ListSubscriptionsByTopic"], resources: [topic] },
    {
      use: "reading",
      actions: [
        "ec2:DescribeInstances",
        "ec2:DescribeSpotInstanceRequests",
        "ec2:DescribeSpotPriceHistory",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricStatistics",
      ],
      resources: ["*"],
    },
    {
      use: "managing",
      actions: ["ec2:StartInstances", "ec2:StopInstances", "ssm:StartSession", "ssm:SendCommand"],
      resources: [machine],
    },
    {
      use: "managing",
      actions: ["cloudwatch:EnableAlarmActions", "cloudwatch:DisableAlarmActions"],
      resources: [here("cloudwatch", "alarm:*")],
    },
  ];
}

async function deniedOf(
  client: IAMClient,
  principal: string,
  actions: readonly string[],
  resources: readonly string[],
  stop: AbortSignal,
): Promise<string[]> {
  const denied = new Set<string>();
  let marker: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await client.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: principal,
        ActionNames: [...actions],
        ResourceArns: [...resources],
        Marker: marker,
      }),
      { abortSignal: stop },
    );
    for (const { EvalActionName: action = "", EvalDecision: decision } of answer.EvaluationResults ?? []) {
      if (decision !== "allowed") denied.add(action);
    }
    marker = answer.Marker;
    if (answer.IsTruncated !== true || marker === undefined) break;
  }
  return [...denied];
}
