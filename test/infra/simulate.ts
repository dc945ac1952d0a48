/** Evaluates AWS calls against an IAM policy, as AWS would (@cloud-copilot/iam-simulate). */
import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { AwsCall } from "../aws/recorder.ts";
import type { CapturedResource } from "./pulumi-host.ts";

export interface Principal {
  readonly accountId: string;
  /** ARN of the role. */
  readonly role: string;
  readonly policy: unknown;
  /** What stands on the stack's own bucket, topic and key: the first match of the ARN counts. */
  readonly resourcePolicies: readonly { readonly resource: RegExp; readonly policy: unknown }[];
}

/** The instance of a stack that was deployed, or registered: its policy and those of the stack's resources. */
export function instanceOf(resources: readonly CapturedResource[], accountId: string): Principal {
  const document = (type: string): unknown => {
    const found = resources.filter((resource) => resource.type === type);
    if (found.length !== 1) throw new Error(`the stack has ${String(found.length)} of ${type}, not one`);
    return JSON.parse(String(found[0]!.inputs["policy"]));
  };
  return {
    accountId,
    role: `arn:aws:iam::${accountId}:role/kimtest-dev-instance-us-east-1`,
    policy: document("aws:iam/rolePolicy:RolePolicy"),
    resourcePolicies: [
      { resource: /^arn:aws:s3:::kimtest-dev-/, policy: document("aws:s3/bucketPolicy:BucketPolicy") },
      { resource: /^arn:aws:sns:.*:kimtest-dev-alerts$/, policy: document("aws:sns/topicPolicy:TopicPolicy") },
      // A key without a policy that names the account is nobody's; another key of the account is as open as ours.
      { resource: /^arn:aws:kms:/, policy: document("aws:kms/key:Key") },
    ],
  };
}

/** Whether the policies allow the call, made over TLS; anything but a clear answer is an error. */
export async function isAllowed(principal: Principal, call: AwsCall): Promise<boolean> {
  const resourcePolicy = principal.resourcePolicies.find(({ resource }) => resource.test(call.resource))?.policy;
  const simulation = {
    request: {
      principal: principal.role,
      action: call.action,
      resource: { resource: call.resource, accountId: principal.accountId },
      contextVariables: { "aws:SecureTransport": "true", ...call.context },
    },
    identityPolicies: [{ name: "instance", policy: principal.policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
  };
  const result = await runSimulation(simulation, {});
  if (result.resultType === "error")
    throw new Error(`${call.action} on ${call.resource}: ${JSON.stringify(result.errors)}`);
  return result.overallResult === "Allowed";
}
