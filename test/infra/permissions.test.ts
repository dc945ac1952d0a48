/** What the instance may and may not do: its policy as the program registers it, evaluated as AWS would. */
import { beforeAll, expect, test } from "@jest/globals";
import { voprBundleKey, voprFailureKey } from "../../contracts/bucket.ts";
import { ACCOUNT_ID, captureStack } from "./pulumi-host.ts";
import { instanceOf, isAllowed, type Principal } from "./simulate.ts";

const BUCKET = `arn:aws:s3:::kimtest-dev-${ACCOUNT_ID}-us-east-1`;
const here = (service: string, path: string, account = ACCOUNT_ID): string =>
  `arn:aws:${service}:us-east-1:${account}:${path}`;
const GROUP = here("logs", "log-group:kimtest-dev-logs");
const TOPIC = here("sns", "kimtest-dev-alerts");
const PARAMETER = here("ssm", "parameter/kimtest/dev/service");
const KEY = here("kms", "key/kimtest-dev-alerts-key-id");

let instance: Principal;
beforeAll(async () => {
  const { code, resources, stderr } = await captureStack({ config: { alertEmail: "team@example.com" } });
  if (code !== 0) throw new Error(stderr);
  instance = instanceOf(resources, ACCOUNT_ID);
}, 60_000);

type Row = [action: string, resource: string, context?: Record<string, string>];

const VIA_SNS = { "kms:ViaService": "sns.us-east-1.amazonaws.com" };

/**
 * What nobody here can run, and what a cycle rarely does (minimising a corpus): the CloudWatch agent (its calls are those of its documentation:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-iam-roles-for-cloudwatch-agent.html), the
 * Systems Manager agent, and SNS's use of the key. Calls of the runner and of the set-up are recorded in
 * deployed.test.ts.
 */
test.each<Row>([
  ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "Kimberlite/Testing/System" }],
  ["logs:CreateLogStream", `${GROUP}:log-stream:i-0a1b2c3d4e5f60718/service`],
  ["logs:PutLogEvents", `${GROUP}:log-stream:i-0a1b2c3d4e5f60718/service`],
  ["logs:DescribeLogStreams", GROUP],
  // No profile of the deployed tests writes bundles.
  ["s3:PutObject", `${BUCKET}/${voprBundleKey(voprFailureKey(1n, 1_700_000_000_000))}`],
  ["s3:DeleteObject", `${BUCKET}/fuzz-corpus/sql-parser/${"0a".repeat(20)}`],
  ["kms:GenerateDataKey", KEY, VIA_SNS],
  ["kms:Decrypt", KEY, VIA_SNS],
  ["ssm:UpdateInstanceInformation", "*"],
  ["ssmmessages:CreateControlChannel", "*"],
  ["ssmmessages:CreateDataChannel", "*"],
  ["ssmmessages:OpenControlChannel", "*"],
  ["ssmmessages:OpenDataChannel", "*"],
  ["ec2messages:GetMessages", "*"],
])("%s on %s is allowed", async (action, resource, context = {}) => {
  expect(await isAllowed(instance, { action, resource, context })).toBe(true);
});

test.each<Row>([
  // It adds to the results: nothing is deleted but inputs of the corpus, no setting of the bucket is changed.
  ["s3:DeleteObject", `${BUCKET}/failures/vopr/seed-1-1700000000000.json`],
  ["s3:DeleteObject", `${BUCKET}/${voprBundleKey(voprFailureKey(1n, 1_700_000_000_000))}`],
  ["s3:DeleteObject", `${BUCKET}/fuzz-corpus/sql-parser/backups/1700000000000.tar.gz`],
  ["s3:DeleteObject", `${BUCKET}/cycles/000001/${"0a".repeat(20)}`],
  ["s3:DeleteObjectVersion", `${BUCKET}/fuzz-corpus/sql-parser/${"0a".repeat(20)}`],
  ["s3:DeleteObjectVersion", `${BUCKET}/digests/latest.json`],
  ["s3:GetObject", `${BUCKET}/digests/latest.json`, { "aws:SecureTransport": "false" }],
  ["s3:DeleteBucket", BUCKET],
  ["s3:PutBucketPolicy", BUCKET],
  ["s3:PutLifecycleConfiguration", BUCKET],
  ["s3:PutBucketVersioning", BUCKET],
  ["s3:PutBucketPublicAccessBlock", BUCKET],
  ["s3:PutObjectAcl", `${BUCKET}/digests/latest.json`],
  ["s3:GetObjectVersion", `${BUCKET}/signatures/known-failures.json`],
  // The runner is delivered to it, not by it.
  ["s3:PutObject", `${BUCKET}/runner/${"0".repeat(64)}.tar.gz`],
  ["s3:PutObject", `${BUCKET}/anything-else.json`],
  ["s3:GetObject", "arn:aws:s3:::somebody-elses-bucket/secret"],
  ["s3:ListBucket", "arn:aws:s3:::somebody-elses-bucket"],
  ["s3:ListAllMyBuckets", "*"],
  // Settings and metrics of its own only.
  ["ssm:GetParameter", here("ssm", "parameter/kimtest/other/service")],
  ["ssm:GetParameter", here("ssm", "parameter/production/password")],
  ["ssm:PutParameter", PARAMETER],
  ["ssm:SendCommand", here("ec2", "instance/i-0a1b2c3d4e5f60718")],
  ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "AWS/EC2" }],
  ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "Kimberlite/TestingElsewhere" }],
  ["cloudwatch:DeleteAlarms", here("cloudwatch", "alarm:kimtest-dev-no-progress")],
  ["cloudwatch:DisableAlarmActions", here("cloudwatch", "alarm:kimtest-dev-no-progress")],
  ["logs:DeleteLogGroup", GROUP],
  ["logs:PutRetentionPolicy", GROUP],
  ["logs:PutLogEvents", `${here("logs", "log-group:production")}:log-stream:x`],
  ["sns:Publish", here("sns", "another-topic")],
  ["sns:Subscribe", TOPIC],
  ["kms:Decrypt", KEY],
  ["kms:Decrypt", here("kms", "key/another"), VIA_SNS],
  ["kms:ScheduleKeyDeletion", KEY],
  // Nobody else, and nothing in the account.
  ["iam:PassRole", `arn:aws:iam::${ACCOUNT_ID}:role/admin`],
  ["iam:PutRolePolicy", `arn:aws:iam::${ACCOUNT_ID}:role/kimtest-dev-instance-us-east-1`],
  ["sts:AssumeRole", `arn:aws:iam::${ACCOUNT_ID}:role/admin`],
  ["ec2:RunInstances", here("ec2", "instance/*")],
  ["ec2:TerminateInstances", here("ec2", "instance/i-0a1b2c3d4e5f60718")],
  ["ec2:CancelSpotInstanceRequests", here("ec2", "spot-instances-request/sir-0a1b2c3d")],
])("%s on %s is denied", async (action, resource, context = {}) => {
  expect(await isAllowed(instance, { action, resource, context })).toBe(false);
});
