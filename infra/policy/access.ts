/** The rule over policy documents: what they allow is named, and so is to whom. */
import type { Resource } from "./resource.ts";

/** Actions for which AWS knows no resources, so that `*` is the only one there is (Service Authorization Reference). */
const WITHOUT_RESOURCES = /^(cloudwatch:PutMetricData|ssm:UpdateInstanceInformation|ssmmessages:\w+|ec2messages:\w+)$/;

/** `*`, or every resource of a service: `arn:aws:s3:::*`. */
const EVERYTHING = /^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*)$/;

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Action?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly Resource?: string | readonly string[];
  readonly NotResource?: unknown;
  readonly Condition?: Readonly<Record<string, unknown>>;
}

/** By type: where the document is, and whether it stands on a role (or the like) or on a resource. */
const DOCUMENTS: Readonly<Record<string, readonly [property: string, kind: "identity" | "resource" | "key"]>> = {
  "aws:iam/role:Role": ["assumeRolePolicy", "resource"],
  "aws:iam/rolePolicy:RolePolicy": ["policy", "identity"],
  "aws:iam/policy:Policy": ["policy", "identity"],
  "aws:iam/userPolicy:UserPolicy": ["policy", "identity"],
  "aws:iam/groupPolicy:GroupPolicy": ["policy", "identity"],
  "aws:s3/bucketPolicy:BucketPolicy": ["policy", "resource"],
  "aws:sns/topicPolicy:TopicPolicy": ["policy", "resource"],
  "aws:kms/key:Key": ["policy", "key"],
};

/** Policies that others wrote: nobody here has looked at what they allow. */
const ATTACHMENTS = /^aws:iam\/(role|user|group)?policyattachment:/i;

export function accessProblems({ type, name, props }: Resource): string[] {
  if (ATTACHMENTS.test(type)) return [`${name}: attaches a policy from elsewhere; write its actions out instead`];
  const attached = listOf(props["managedPolicyArns"]).length + listOf(props["inlinePolicies"]).length;
  if (type === "aws:iam/role:Role" && attached > 0) return [`${name}: policies of a role are resources of their own`];
  const where = DOCUMENTS[type];
  if (where === undefined) return [];
  const [property, kind] = where;
  const statements = statementsOf(props[property]);
  if (statements === undefined) return [`${name}: its ${property} is no policy document`];
  return statements.flatMap((statement, index) => {
    const problems = statement.Effect === "Deny" ? [] : problemsOf(statement, kind);
    return problems.map((problem) => `${name}, statement ${statement.Sid ?? String(index + 1)}: ${problem}`);
  });
}

function problemsOf(statement: Statement, kind: "identity" | "resource" | "key"): string[] {
  const problems: string[] = [];
  const exclusions = [statement.NotAction, statement.NotResource, statement.NotPrincipal];
  if (exclusions.some((exclusion) => exclusion !== undefined)) problems.push("allows everything but what it names");
  const everybody = principalsOf(statement.Principal).includes("*");
  if (everybody && statement.Condition === undefined) problems.push("allows everybody");
  if (kind === "key" && isOwnAccount(statement.Principal)) return problems;

  const actions = listOf(statement.Action);
  for (const action of actions.filter((one) => one.includes("*"))) problems.push(`allows ${action}`);
  // On a resource, or in its key's policy, `*` is that resource.
  if (kind !== "identity") return problems;
  if (actions.length === 0 || listOf(statement.Resource).length === 0) problems.push("names no action or no resource");
  if (listOf(statement.Resource).some((resource) => EVERYTHING.test(resource))) {
    for (const action of actions.filter((one) => !WITHOUT_RESOURCES.test(one))) {
      problems.push(`allows ${action} on everything`);
    }
  }
  if (
    actions.includes("cloudwatch:PutMetricData") &&
    !JSON.stringify(statement.Condition ?? {}).includes("cloudwatch:namespace")
  ) {
    problems.push("allows cloudwatch:PutMetricData in every namespace");
  }
  return problems;
}

/** A key's policy must hand the key to its account, or nobody could change it any more. */
function isOwnAccount(principal: unknown): boolean {
  const [only, ...others] = principalsOf(principal);
  return others.length === 0 && only !== undefined && /^arn:aws[a-z-]*:iam::\d{12}:root$/.test(only);
}

function principalsOf(principal: unknown): string[] {
  if (typeof principal === "string") return [principal];
  if (typeof principal !== "object" || principal === null) return [];
  return Object.values(principal).flatMap((value) => listOf(value));
}

function listOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? (value as unknown[]) : [value]).map(String);
}

function statementsOf(document: unknown): Statement[] | undefined {
  let parsed: unknown = document;
  if (typeof document === "string") {
    try {
      parsed = JSON.parse(document);
    } catch {
      return undefined;
    }
  }
  const statement = (parsed as { Statement?: Statement | Statement[] } | null | undefined)?.Statement;
  if (statement === undefined) return undefined;
  return Array.isArray(statement) ? statement : [statement];
}
