/** How far this machine's clock is from AWS's: a signature that is five minutes off is refused. */
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { endpointOf, type AwsTarget } from "./client.ts";

/** Ours minus theirs. Accurate to a second or so: their answer has no more. @throws KimtestError `CLOUD_FAILED` */
export async function readClockSkewMs({ region }: AwsTarget, now: () => number, stop: AbortSignal): Promise<number> {
  const url = endpointOf("sts", region);
  try {
    const askedMs = now();
    // Nobody need be known for an answer: its head has the time, whatever it says.
    const answer = await fetch(url, { method: "HEAD", redirect: "manual", signal: stop });
    const theirsMs = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isNaN(theirsMs)) throw new Error("the answer has no Date");
    // Whole seconds, cut off: half a second later in the mean.
    return (askedMs + now()) / 2 - (theirsMs + 500);
  } catch (error) {
    const reason = error instanceof Error && error.cause !== undefined ? reasonOf(error.cause) : reasonOf(error);
    throw new KimtestError("CLOUD_FAILED", `${url} does not answer: ${reason}`, {
      hint: "check the network and AWS_ENDPOINT_URL",
      cause: error,
    });
  }
}
