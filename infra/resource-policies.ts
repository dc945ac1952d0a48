/** Policies that stand on a resource: who may reach the bucket, the topic and the topic's key. Pure. */

export interface Statement {
  Sid: string;
  Effect: "Allow" | "Deny";
  Principal?: "*" | { AWS: string } | { Service: string };
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface PolicyDocument {
  Version: "2012-10-17";
  Statement: Statement[];
}

const policy = (...statements: Statement[]): PolicyDocument => ({ Version: "2012-10-17", Statement: statements });

/** Refuses everyone, the owner too, without TLS. */
export function tlsOnlyPolicy(bucketArn: string): PolicyDocument {
  return policy({
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  });
}

const ALARMS = "cloudwatch.amazonaws.com";
const EVENTS = "events.amazonaws.com";

/** Alarms of this account, and events; users and the instance come with their own identity policies. */
export function topicPolicy(topicArn: string, accountId: string): PolicyDocument {
  return policy(
    {
      Sid: "Alarms",
      Effect: "Allow",
      Principal: { Service: ALARMS },
      Action: "sns:Publish",
      Resource: topicArn,
      Condition: { StringEquals: { "aws:SourceAccount": accountId } },
    },
    // Without a condition: EventBridge sends none of these keys to SNS, and a condition would refuse it
    // (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
    { Sid: "Events", Effect: "Allow", Principal: { Service: EVENTS }, Action: "sns:Publish", Resource: topicArn },
  );
}

/**
 * The key of the topic. Alarms cannot publish to a topic under the AWS-managed key, because nobody can add them to
 * its policy (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
 */
export function keyPolicy(accountId: string): PolicyDocument {
  // In a key's policy `*` means this key.
  const use = { Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*" } as const;
  return policy(
    {
      // Hands the key over to the account's own IAM policies. AWS asks for it: without it a key can become one that
      // nobody may change (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
      Sid: "Account",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "Alarms",
      ...use,
      Action: [...use.Action],
      Principal: { Service: ALARMS },
      Condition: { StringEquals: { "aws:SourceAccount": accountId } },
    },
    // Source conditions are not supported here between EventBridge and encrypted topics (the same page of SNS).
    { Sid: "Events", ...use, Action: [...use.Action], Principal: { Service: EVENTS } },
  );
}
