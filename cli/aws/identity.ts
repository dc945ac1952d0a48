/** Who AWS takes us for. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

/** The account's number. @throws KimtestError `CLOUD_FAILED` with how to sign in */
export async function readIdentity(target: AwsTarget, stop: AbortSignal): Promise<string> {
  const client = new STSClient(clientConfig(target));
  try {
    const answer = client.send(new GetCallerIdentityCommand({}), { abortSignal: stop });
    const { Account: account } = await asking("AWS does not know who we are", answer, target.profile);
    return account ?? "";
  } finally {
    client.destroy();
  }
}
