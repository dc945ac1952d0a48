/**
 * What every stack must be, as pure functions over resources: of one resource before it is made (RESOURCE_RULES), and
 * of the whole stack (STACK_RULES), for what one resource says about another.
 *
 * A rule says what is wrong, in one sentence that begins with the thing. It must not be quiet about what it does not
 * know: a type it has never heard of is a problem, too.
 */
import { accessProblems } from "./access.ts";
import type { Resource } from "./resource.ts";
import { TAGGABLE, UNTAGGABLE } from "./tagging.ts";

export interface ResourceRule {
  readonly name: string;
  readonly description: string;
  readonly check: (resource: Resource) => string[];
}

export interface StackRule {
  readonly name: string;
  readonly description: string;
  readonly check: (resources: readonly Resource[]) => { urn: string; problem: string }[];
}

const REQUIRED_TAGS = ["Project", "Stack", "ManagedBy"];
const BUCKET = "aws:s3/bucket:Bucket";
const PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy";
const INSTANCE = "aws:ec2/instance:Instance";

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** The problem, when `right` does not hold. */
const unless = (right: boolean, problem: string): string[] => (right ? [] : [problem]);

function privateBuckets({ type, name, props }: Resource): string[] {
  switch (type) {
    case PUBLIC_ACCESS_BLOCK:
      return ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].flatMap((field) =>
        unless(props[field] === true, `${name}: ${field} must be true`),
      );
    case BUCKET:
    case "aws:s3/bucketAcl:BucketAcl":
    case "aws:s3/bucketObject:BucketObject":
    case "aws:s3/bucketObjectv2:BucketObjectv2":
      return unless(!isSet(props["acl"]) || props["acl"] === "private", `${name}: acl must be private`);
    case "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration":
      return [`${name}: a results bucket is no website`];
    default:
      return [];
  }
}

function encrypted({ type, name, props }: Resource): string[] {
  switch (type) {
    case INSTANCE:
      return [
        ...unless(fields(props["rootBlockDevice"])["encrypted"] === true, `${name}: the root volume must be encrypted`),
        ...items(props["ebsBlockDevices"]).flatMap((device) =>
          unless(fields(device)["encrypted"] === true, `${name}: every volume must be encrypted`),
        ),
      ];
    case "aws:ebs/volume:Volume":
      return unless(props["encrypted"] === true, `${name}: the volume must be encrypted`);
    case "aws:sns/topic:Topic":
      return unless(
        isSet(props["kmsMasterKeyId"]) && props["kmsMasterKeyId"] !== "alias/aws/sns",
        `${name}: needs a key of its own; alarms cannot use the AWS-managed one`,
      );
    case "aws:kms/key:Key":
      return unless(props["enableKeyRotation"] === true, `${name}: the key must rotate`);
    case BUCKET_ENCRYPTION: {
      const algorithms = items(props["rules"]).map(
        (rule) => fields(fields(rule)["applyServerSideEncryptionByDefault"])["sseAlgorithm"],
      );
      const known = algorithms.every((algorithm) => ["AES256", "aws:kms", "aws:kms:dsse"].includes(String(algorithm)));
      return unless(known && algorithms.length > 0, `${name}: must name an encryption`);
    }
    default:
      return [];
  }
}

function metadataByToken({ type, name, props }: Resource): string[] {
  if (type !== INSTANCE) return [];
  return unless(fields(props["metadataOptions"])["httpTokens"] === "required", `${name}: IMDSv2 must be required`);
}

function noIngress({ type, name, props }: Resource): string[] {
  switch (type) {
    case "aws:ec2/securityGroup:SecurityGroup":
    case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
      return unless(items(props["ingress"]).length === 0, `${name}: lets somebody in`);
    case "aws:ec2/securityGroupRule:SecurityGroupRule":
      return unless(props["type"] !== "ingress", `${name}: lets somebody in`);
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
      return [`${name}: lets somebody in`];
    case INSTANCE:
      return unless(!isSet(props["keyName"]), `${name}: has an SSH key; access is by Session Manager`);
    default:
      return [];
  }
}

function tagged({ type, name, props }: Resource): string[] {
  if (!type.startsWith("aws:") || UNTAGGABLE.has(type)) return [];
  if (!TAGGABLE.has(type)) return [`${name}: nobody has said whether ${type} takes tags (infra/policy/tagging.ts)`];
  const missing = (tags: unknown) => REQUIRED_TAGS.filter((tag) => !isSet(fields(tags)[tag]));
  const own = missing(props["tags"]);
  const volume = type === INSTANCE ? missing(fields(props["rootBlockDevice"])["tags"] ?? props["volumeTags"]) : [];
  return [
    ...unless(own.length === 0, `${name}: lacks the tags ${own.join(", ")}`),
    ...unless(volume.length === 0, `${name}: its volume lacks the tags ${volume.join(", ")}`),
  ];
}

function spotOrSaidSo({ type, name, props }: Resource): string[] {
  if (type === "aws:ec2/spotInstanceRequest:SpotInstanceRequest") {
    return [`${name}: destroying a request leaves its instance; an instance with market options takes both along`];
  }
  if (type !== INSTANCE) return [];
  const market = fields(props["instanceMarketOptions"]);
  if (market["marketType"] === undefined) {
    const saidSo = fields(props["tags"])["Purchase"] === "on-demand";
    return unless(saidSo, `${name}: is on-demand, but does not say so (kimtest:purchase, the tag Purchase)`);
  }
  const spot = fields(market["spotOptions"]);
  return unless(
    market["marketType"] === "spot" &&
      spot["spotInstanceType"] === "persistent" &&
      spot["instanceInterruptionBehavior"] === "stop",
    `${name}: a spot machine must be persistent and stop when interrupted, or it loses its disk`,
  );
}

export const RESOURCE_RULES: readonly ResourceRule[] = [
  { name: "no-public-bucket", description: "Nothing in a bucket is public.", check: privateBuckets },
  { name: "encryption", description: "What is stored is encrypted.", check: encrypted },
  { name: "imdsv2", description: "Instance metadata is given out to tokens only.", check: metadataByToken },
  { name: "no-ingress", description: "Nobody can connect to the machine.", check: noIngress },
  { name: "tags", description: `Everything has the tags ${REQUIRED_TAGS.join(", ")}.`, check: tagged },
  {
    name: "spot-or-explicit-on-demand",
    description: "On-demand prices are paid on purpose only.",
    check: spotOrSaidSo,
  },
  { name: "no-wildcard-access", description: "Policies name what they allow, and to whom.", check: accessProblems },
];

/** Buckets to which no resource of this type refers. */
function bucketsWithout(type: string, resources: readonly Resource[], problem: string) {
  const covered = new Set(
    resources.flatMap((resource) => (resource.type === type ? (resource.sources["bucket"] ?? []) : [])),
  );
  return resources
    .filter((resource) => resource.type === BUCKET && !covered.has(resource.urn))
    .map(({ urn, name }) => ({ urn, problem: `${name}: ${problem}` }));
}

export const STACK_RULES: readonly StackRule[] = [
  {
    name: "every-bucket-is-closed",
    description: "Every bucket has a public access block, an encryption and a policy of its own.",
    check: (resources) => [
      ...bucketsWithout(PUBLIC_ACCESS_BLOCK, resources, "has no public access block"),
      ...bucketsWithout(BUCKET_ENCRYPTION, resources, "has no encryption"),
      ...bucketsWithout(BUCKET_POLICY, resources, "has no policy that refuses requests without TLS"),
    ],
  },
];
