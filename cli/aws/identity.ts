/** Who AWS takes us for. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export interface Caller {
  readonly account: string;
  readonly arn: string;
}

/** @throws KimtestError `CLOUD_FAILED` with how to sign in */
export async function readCaller(target: AwsTarget, stop: AbortSignal): Promise<Caller> {
  const client = new STSClient(clientConfig(target));
  try {
    const answer = client.send(new GetCallerIdentityCommand({}), { abortSignal: stop });
    const { Account: account = "", Arn: arn = "" } = await asking(
      "AWS does not know who we are",
      answer,
      target.profile,
    );
    return { account, arn };
  } finally {
    client.destroy();
  }
}

/** The account's number. @throws as `readCaller` */
export async function readIdentity(target: AwsTarget, stop: AbortSignal): Promise<string> {
  return (await readCaller(target, stop)).account;
}
