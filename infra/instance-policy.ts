/**
 * What the instance may do, as plain JSON, so that a test can evaluate it against every call that is made.
 *
 * The machine builds and runs code of other people under this role. So: it adds to the results and deletes nothing but
 * single inputs of the fuzz corpus, it cannot replace a delivered bundle, and it reads its own settings only. What it
 * overwrites or deletes, the bucket's versions keep.
 */
import { CORPUS_INPUT_PATTERN, RUNNER_PREFIX, WRITTEN_PREFIXES } from "../contracts/bucket.ts";
import { METRIC_NAMESPACE, SYSTEM_METRIC_NAMESPACE } from "../contracts/metrics.ts";
import type { PolicyDocument } from "./resource-policies.ts";

export interface InstancePolicyArgs {
  readonly region: string;
  readonly bucketArn: string;
  /** As CloudWatch Logs names it, without `:*` at its end. */
  readonly logGroupArn: string;
  readonly topicArn: string;
  readonly keyArn: string;
  readonly serviceParameterArn: string;
}

export function instancePolicy(args: InstancePolicyArgs): PolicyDocument {
  const objects = (prefixes: readonly string[]) => prefixes.map((prefix) => `${args.bucketArn}/${prefix}*`);
  return {
    Version: "2012-10-17",
    Statement: [
      {
        // Without it S3 answers "forbidden" for an object that is not there.
        Sid: "ListResults",
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: [args.bucketArn],
      },
      {
        Sid: "ReadResultsAndBundles",
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: objects([...WRITTEN_PREFIXES, RUNNER_PREFIX]),
      },
      {
        // An upload in parts that fails is aborted; it needs no more than these.
        Sid: "WriteResults",
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
        Resource: objects(WRITTEN_PREFIXES),
      },
      {
        // Minimising takes inputs away, after a backup; the backups themselves are out of its reach.
        Sid: "MinimizeCorpus",
        Effect: "Allow",
        Action: ["s3:DeleteObject"],
        Resource: [`${args.bucketArn}/${CORPUS_INPUT_PATTERN}`],
      },
      {
        // The action knows no resources: the namespace is the only bound there is
        // (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html).
        Sid: "PutMetrics",
        Effect: "Allow",
        Action: ["cloudwatch:PutMetricData"],
        Resource: "*",
        Condition: { StringEquals: { "cloudwatch:namespace": [METRIC_NAMESPACE, SYSTEM_METRIC_NAMESPACE] } },
      },
      {
        Sid: "WriteLogs",
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        Resource: [args.logGroupArn, `${args.logGroupArn}:log-stream:*`],
      },
      {
        Sid: "ReadOwnSettings",
        Effect: "Allow",
        Action: ["ssm:GetParameter"],
        Resource: [args.serviceParameterArn],
      },
      { Sid: "SendMessages", Effect: "Allow", Action: ["sns:Publish"], Resource: [args.topicArn] },
      {
        Sid: "EncryptMessages",
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: [args.keyArn],
        Condition: { StringEquals: { "kms:ViaService": `sns.${args.region}.amazonaws.com` } },
      },
      {
        // What the Systems Manager agent calls for Session Manager and Run Command. AWS gives none of these a resource
        // (https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html,
        // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagedeliveryservice.html).
        Sid: "SystemsManagerAgent",
        Effect: "Allow",
        Action: [
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
          "ec2messages:AcknowledgeMessage",
          "ec2messages:DeleteMessage",
          "ec2messages:FailMessage",
          "ec2messages:GetEndpoint",
          "ec2messages:GetMessages",
          "ec2messages:SendReply",
        ],
        Resource: "*",
      },
    ],
  };
}

/** Only EC2 may hand this role to a machine. */
export function assumeRolePolicy(): object {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
}
