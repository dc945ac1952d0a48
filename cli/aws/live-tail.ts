/**
 * A Live Tail of a log group, used as a bell: it tells at once that there is something new, and CloudWatch Logs is
 * then asked what (logs.ts). No line is taken from it, for its events carry no id, and of more than 500 in a second it
 * sends a sample: lines would be shown twice or be missing.
 *
 * An update comes every second, an empty one too, so that silence is a fault; a session ends after three hours.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  StartLiveTailCommand,
  type StartLiveTailResponseStream,
} from "@aws-sdk/client-cloudwatch-logs";
import { reasonOf } from "../../contracts/errors.ts";
import { requestLimits } from "../../runner/platform/aws-limits.ts";
import { limited } from "../../runner/platform/limited.ts";
import { factsOf } from "../../runner/store/s3-errors.ts";
import { clientConfig, type AwsTarget } from "./client.ts";

export interface LiveTailPace {
  /** Longest silence between two updates. */
  readonly silenceMs: number;
  /** A session that ended sooner is not begun again. */
  readonly minSessionMs: number;
}

export const LIVE_TAIL_PACE: LiveTailPace = { silenceMs: 30_000, minSessionMs: 60_000 };

/** Rung by the tail, waited for by who asks. */
export class Bell {
  /** Whether a tail is behind it: without one nothing rings. */
  isLive = false;
  #rang: (() => void) | undefined;
  #isRinging = false;

  ring(): void {
    this.#isRinging = true;
    this.#rang?.();
  }

  /** True when it rang meanwhile, or since the last wait; false when the time is over or `stop` came first. */
  async wait(ms: number, stop: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const rung = new Promise<void>((resolve) => {
      this.#rang = resolve;
      if (this.#isRinging) resolve();
    });
    const time = delay(ms, undefined, { signal: AbortSignal.any([stop, over.signal]) });
    try {
      await Promise.race([rung, time]);
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      over.abort();
    }
    const hasRung = this.#isRinging;
    this.#isRinging = false;
    return hasRung;
  }
}

/** Rings until `stop`, or until there is no tail to be had, which is told; never rejects. */
export async function ringWithLiveTail(
  bell: Bell,
  group: string,
  target: AwsTarget,
  stop: AbortSignal,
  tell: (message: string) => void,
  pace: LiveTailPace = LIVE_TAIL_PACE,
): Promise<void> {
  const config = clientConfig(target);
  const client = new CloudWatchLogsClient(config);
  // A session answers for hours: the limit of a request is not its.
  const streaming = new CloudWatchLogsClient({
    ...config,
    requestHandler: { ...requestLimits(0), throwOnRequestTimeout: false },
  });
  try {
    const arn = await arnOf(client, group, stop);
    for (let lastedMs = Infinity; lastedMs >= pace.minSessionMs && !stop.aborted;) {
      lastedMs = await session(streaming, arn, bell, stop, pace);
    }
    if (!stop.aborted) tell("the Live Tail ended; asking every few seconds instead");
  } catch (error) {
    if (!stop.aborted) tell(`no Live Tail (${reasonOf(error)}); asking every few seconds instead`);
  } finally {
    bell.isLive = false;
    client.destroy();
    streaming.destroy();
  }
}

async function arnOf(client: CloudWatchLogsClient, group: string, stop: AbortSignal): Promise<string> {
  const question = new DescribeLogGroupsCommand({ logGroupNamePrefix: group });
  const { logGroups = [] } = await client.send(question, { abortSignal: stop });
  const arn = logGroups.find(({ logGroupName }) => logGroupName === group)?.logGroupArn;
  if (arn === undefined) throw new Error(`there is no log group ${group}`);
  return arn;
}

/** How long it lasted. */
async function session(
  client: CloudWatchLogsClient,
  arn: string,
  bell: Bell,
  stop: AbortSignal,
  { silenceMs }: LiveTailPace,
): Promise<number> {
  const beganMs = performance.now();
  const question = new StartLiveTailCommand({ logGroupIdentifiers: [arn] });
  const { responseStream } = await limited(client.send(question, { abortSignal: stop }), "its start", silenceMs, stop);
  const parts = responseStream?.[Symbol.asyncIterator]();
  if (parts === undefined) throw new Error("no stream was answered");
  try {
    for (;;) {
      const next = await limited(parts.next(), "the next update", silenceMs, stop);
      if (next.done === true) break;
      const part = next.value;
      bell.isLive = true;
      if (hasLines(part)) bell.ring();
      if (part.SessionTimeoutException !== undefined) break;
      if (part.SessionStreamingException !== undefined) throw part.SessionStreamingException;
    }
  } catch (error) {
    if (factsOf(error).name !== "SessionTimeoutException") throw error;
  } finally {
    bell.isLive = false;
    // Not waited for: a stream that is silent does not answer to this either.
    void parts.return?.().catch(() => undefined);
  }
  return performance.now() - beganMs;
}

const hasLines = ({ sessionUpdate }: StartLiveTailResponseStream): boolean =>
  (sessionUpdate?.sessionResults ?? []).length > 0;
