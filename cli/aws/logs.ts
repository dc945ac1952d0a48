/**
 * The lines of a log group, as they come: every line that CloudWatch has, and none twice (log-window.ts).
 *
 * It asks again and again (FilterLogEvents): every few seconds, or when the bell of a Live Tail says that there is
 * something new.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  ResourceNotFoundException,
  type FilterLogEventsCommandOutput,
} from "@aws-sdk/client-cloudwatch-logs";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { factsOf } from "../../runner/store/s3-errors.ts";
import type { LogEvent } from "../infra/log-lines.ts";
import { LogWindow } from "../infra/log-window.ts";
import { awsError, clientConfig, type AwsTarget } from "./client.ts";
import { Bell, ringWithLiveTail } from "./live-tail.ts";

export interface LogPace {
  readonly pollMs: number;
  /** While a Live Tail tells of what is new, and has told of nothing for `settleMs`. */
  readonly quietMs: number;
  /** A line that the tail told of may be found a little later only. */
  readonly settleMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** Without an answer for so long, it is given up. */
  readonly giveUpMs: number;
}

export const LOG_PACE: LogPace = {
  pollMs: 3_000,
  quietMs: 30_000,
  settleMs: 10_000,
  firstRetryMs: 500,
  maxRetryMs: 30_000,
  giveUpMs: 10 * 60_000,
};

export interface LogQuestion {
  readonly group: string;
  readonly sinceMs: number;
  readonly isFollowed: boolean;
  /** Whether a Live Tail says when there is something new. */
  readonly isLive?: boolean;
  /** Not later than this. */
  readonly untilMs?: number;
  /** Of CloudWatch: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html */
  readonly pattern?: string;
}

interface Following {
  readonly client: CloudWatchLogsClient;
  readonly profile: string | undefined;
  readonly question: LogQuestion;
  readonly pace: LogPace;
  readonly stop: AbortSignal;
  readonly tell: (message: string) => void;
}

/** Ends with `stop`, or with the last line when it is not to follow. `tell`: of pauses and how they end. */
export async function* logEvents(
  question: LogQuestion,
  target: AwsTarget,
  stop: AbortSignal,
  tell: (message: string) => void,
  pace: LogPace = LOG_PACE,
): AsyncGenerator<LogEvent> {
  // Retries are ours: the SDK's end after seconds.
  const client = new CloudWatchLogsClient({ ...clientConfig(target), maxAttempts: 1 });
  const { sinceMs, isFollowed } = question;
  const following: Following = { client, profile: target.profile, question, pace, stop, tell };
  const window = new LogWindow(sinceMs, () => Date.now());
  const bell = new Bell();
  let rangMs = -Infinity;
  const over = new AbortController();
  // From before the first question: what comes after that rings.
  const tail =
    question.isLive === true
      ? ringWithLiveTail(bell, question.group, target, AbortSignal.any([stop, over.signal]), tell)
      : undefined;
  try {
    do {
      yield* round(following, window);
      if (!isFollowed) break;
      const isQuiet = bell.isLive && performance.now() - rangMs > pace.settleMs;
      if (await bell.wait(isQuiet ? pace.quietMs : pace.pollMs, stop)) rangMs = performance.now();
    } while (!stop.aborted);
  } finally {
    over.abort();
    await tail;
    client.destroy();
  }
}

/** All pages from the window's start to the newest line. */
async function* round(following: Following, window: LogWindow): AsyncGenerator<LogEvent> {
  const fromMs = window.fromMs;
  let token: string | undefined;
  do {
    const page = await askPage(following, fromMs, token);
    // Streams are read side by side: in a page, lines need not be in order.
    const events = (page?.events ?? []).toSorted((one, other) => (one.timestamp ?? 0) - (other.timestamp ?? 0));
    for (const { eventId: id, timestamp: atMs, logStreamName: stream = "", message: text = "" } of events) {
      if (id !== undefined && atMs !== undefined && window.admit(id, atMs)) yield { id, stream, atMs, text };
    }
    window.prune();
    token = page?.nextToken;
  } while (token !== undefined && !following.stop.aborted);
}

/** undefined: stopped. @throws KimtestError what waiting does not mend, at once; the rest when it lasts too long */
async function askPage(
  { client, profile, question, pace, stop, tell }: Following,
  startTime: number,
  nextToken: string | undefined,
): Promise<FilterLogEventsCommandOutput | undefined> {
  const { group: logGroupName, untilMs: endTime, pattern: filterPattern } = question;
  const command = new FilterLogEventsCommand({ logGroupName, startTime, endTime, filterPattern, nextToken });
  const beganMs = performance.now();
  let retryMs = pace.firstRetryMs;
  const isStopped = (): boolean => stop.aborted;
  for (let failures = 0; !isStopped(); failures += 1) {
    try {
      const page = await client.send(command, { abortSignal: stop });
      if (failures > 1) tell("CloudWatch Logs answers again");
      return page;
    } catch (error) {
      if (isStopped()) return undefined;
      if (error instanceof ResourceNotFoundException) throw noGroup(logGroupName, error);
      const isOver = performance.now() - beganMs + retryMs > pace.giveUpMs;
      if (!passes(error) || isOver) throw awsError(error, `cannot read the log group ${logGroupName}`, profile);
      // One refusal is everyday throttling, and no news.
      if (failures === 1) tell(`CloudWatch Logs does not answer (${reasonOf(error)}); trying on`);
      await pause(retryMs, stop);
      retryMs = Math.min(retryMs * 2, pace.maxRetryMs);
    }
  }
  return undefined;
}

const noGroup = (group: string, cause: unknown): KimtestError =>
  new KimtestError("NOT_FOUND", `there is no log group ${group}`, {
    hint: "another account, or somebody deleted it: kimtest deploy-infra makes it again",
    cause,
  });

/** Throttling, a fault of theirs, or of the network; credentials and permissions do not mend themselves. */
function passes(error: unknown): boolean {
  const { name, status } = factsOf(error);
  if (/Credentials|TokenProvider/.test(name)) return false;
  return status === undefined || status === 429 || status >= 500 || /Throttl|LimitExceeded|TooMany/.test(name);
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: stop });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
