/** Whether the address that gets digests and alarms has confirmed that it wants them. */
import { paginateListSubscriptionsByTopic, SNSClient } from "@aws-sdk/client-sns";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export interface EmailSubscription {
  readonly email: string;
  readonly state: "confirmed" | "pending" | "deleted";
}

/** A topic of ours has one subscriber; this is a hundred times a page of a hundred. */
const MAX_PAGES = 100;

/** All e-mail subscriptions of a topic. */
export async function readSubscriptions(
  topicArn: string,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<EmailSubscription[]> {
  const client = new SNSClient(clientConfig(target));
  try {
    return await asking(
      `cannot list the subscriptions of ${topicArn}`,
      collect(client, topicArn, stop),
      target.profile,
    );
  } finally {
    client.destroy();
  }
}

async function collect(client: SNSClient, topicArn: string, stop: AbortSignal): Promise<EmailSubscription[]> {
  const found: EmailSubscription[] = [];
  let pages = 0;
  for await (const page of paginateListSubscriptionsByTopic(
    { client },
    { TopicArn: topicArn },
    { abortSignal: stop },
  )) {
    for (const { Protocol: protocol, Endpoint: email, SubscriptionArn: arn } of page.Subscriptions ?? []) {
      if (protocol === "email" && email !== undefined) found.push({ email, state: stateOf(arn) });
    }
    pages += 1;
    if (pages === MAX_PAGES) break;
  }
  return found;
}

/** In place of an ARN, SNS says so: https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html */
function stateOf(arn: string | undefined): EmailSubscription["state"] {
  if (arn === "PendingConfirmation") return "pending";
  return arn?.startsWith("arn:") === true ? "confirmed" : "deleted";
}
