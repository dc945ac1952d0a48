/**
 * Following with a Live Tail. The seam: the emulator has no StartLiveTail, so that one call is mocked in the SDK's
 * client; all others go to the emulator through the real client.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
  StartLiveTailCommand,
  type StartLiveTailResponseStream,
} from "@aws-sdk/client-cloudwatch-logs";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { until } from "../../test/until.ts";
import type { LogEvent } from "../infra/log-lines.ts";
import { Bell, ringWithLiveTail } from "./live-tail.ts";
import { logEvents } from "./logs.ts";

motoOfFile({ forgets: true });
const GROUP = "kimtest-dev-logs";
const TARGET = { region: "us-east-1", profile: undefined };
/** Once the tail lives and is silent, nothing is asked within a test. */
const PACE = { pollMs: 20, quietMs: 60_000, settleMs: 100, firstRetryMs: 5, maxRetryMs: 20, giveUpMs: 400 };

type Part = StartLiveTailResponseStream;
const update = (...messages: string[]): Part => ({
  sessionUpdate: { sessionResults: messages.map((message) => ({ message })) },
});

/** What AWS would send, when a test says so. */
class Tail {
  readonly #parts: (Part | Error | "end")[] = [];
  #wake: (() => void) | undefined;

  push(...parts: (Part | Error | "end")[]): void {
    this.#parts.push(...parts);
    this.#wake?.();
  }

  /** All that was pushed has been read, and more is waited for. */
  get isRead(): boolean {
    return this.#wake !== undefined && this.#parts.length === 0;
  }

  async *stream(): AsyncGenerator<Part> {
    for (;;) {
      const part = this.#parts.shift();
      if (part === "end") return;
      if (part instanceof Error) throw part;
      if (part !== undefined) yield part;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

type Send = (this: CloudWatchLogsClient, command: object, ...rest: unknown[]) => Promise<unknown>;
const realSend = Reflect.get(CloudWatchLogsClient.prototype, "send") as Send;
let asked = 0;
let answered = 0;
let starts: unknown[] = [];

/** `answer`: to StartLiveTail. */
function tailIs(answer: () => AsyncGenerator<Part>): void {
  const send: Send = function (command, ...rest) {
    if (command instanceof StartLiveTailCommand) {
      starts.push(command.input.logGroupIdentifiers);
      return Promise.resolve().then(() => ({ responseStream: answer() }));
    }
    if (!(command instanceof FilterLogEventsCommand)) return realSend.call(this, command, ...rest);
    asked += 1;
    return realSend.call(this, command, ...rest).finally(() => (answered += 1));
  };
  jest.spyOn(CloudWatchLogsClient.prototype, "send").mockImplementation(send as never);
}

let stop: AbortController;
let told: string[];
let lines: LogEvent[];
beforeEach(async () => {
  asked = 0;
  answered = 0;
  starts = [];
  stop = new AbortController();
  told = [];
  lines = [];
  const client = new CloudWatchLogsClient({});
  await client.send(new CreateLogGroupCommand({ logGroupName: `${GROUP}-other` }));
  await client.send(new CreateLogGroupCommand({ logGroupName: GROUP }));
  await client.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: "runner/i-1" }));
  client.destroy();
});
afterEach(() => {
  stop.abort();
  jest.restoreAllMocks();
});
const tell = (message: string): void => void told.push(message);

async function put(message: string): Promise<void> {
  const client = new CloudWatchLogsClient({});
  const logEvents = [{ timestamp: Date.now(), message }];
  await client.send(new PutLogEventsCommand({ logGroupName: GROUP, logStreamName: "runner/i-1", logEvents }));
  client.destroy();
}

async function follow(): Promise<void> {
  const question = { group: GROUP, sinceMs: Date.now() - 60_000, isFollowed: true, isLive: true };
  for await (const event of logEvents(question, TARGET, stop.signal, tell, PACE)) lines.push(event);
}

/** Until the tail lives and nothing is asked any more. */
async function quiet(tail: Tail): Promise<void> {
  await until("the tail is read", () => tail.isRead);
  for (let before = -1; before !== asked || answered !== asked;) {
    before = asked;
    await delay(PACE.settleMs * 3);
  }
}

const texts = (): string[] => lines.map(({ text }) => text);

test("a line is asked for when the tail rings, and not before; it is shown once, with its id", async () => {
  const tail = new Tail();
  tailIs(() => tail.stream());
  const following = follow();
  tail.push(update());
  await quiet(tail);
  await put("one");
  const before = asked;
  await delay(200);
  expect([asked, texts()]).toEqual([before, []]);
  tail.push(update(), update("one"));
  await until("the line is shown", () => lines.length === 1);
  await put("two");
  tail.push(update("two"), update("two"));
  await until("the second line is shown", () => lines.length === 2);
  stop.abort();
  await following;
  expect(texts()).toEqual(["one", "two"]);
  expect(lines.every(({ id }) => id !== "")).toBe(true);
  expect(starts).toEqual([[`arn:aws:logs:us-east-1:123456789012:log-group:${GROUP}`]]);
  expect(told).toEqual([]);
});

describe("without a tail the lines come as without --live, and that is said once", () => {
  test.each<[string, (Part | Error | "end")[], RegExp]>([
    ["refused", [new Error("not authorized to perform: logs:StartLiveTail")], /not authorized/],
    ["broken off", [update("x"), new Error("socket hang up")], /^no Live Tail \(socket hang up\)/],
    ["ended by AWS at once", [update(), "end"], /^the Live Tail ended; asking every few seconds/],
  ])("%s", async (_name, parts, said) => {
    const tail = new Tail();
    tailIs(() => tail.stream());
    tail.push(...parts);
    const following = follow();
    await until("it is told", () => told.length === 1);
    await put("one");
    await until("the line is shown", () => lines.length === 1);
    stop.abort();
    await following;
    expect(told).toEqual([expect.stringMatching(said)]);
    expect(starts).toHaveLength(1);
  });

  test("silent", async () => {
    tailIs(() => new Tail().stream());
    await ringWithLiveTail(new Bell(), GROUP, TARGET, stop.signal, tell, { silenceMs: 50, minSessionMs: 0 });
    expect(told).toEqual(["no Live Tail (the next update took longer than 0.05 s); asking every few seconds instead"]);
  });

  test("no such group", async () => {
    tailIs(() => new Tail().stream());
    await ringWithLiveTail(new Bell(), "kimtest-gone", TARGET, stop.signal, tell);
    expect(told).toEqual(["no Live Tail (there is no log group kimtest-gone); asking every few seconds instead"]);
    expect(starts).toEqual([]);
  });
});

test("a session that has lasted is begun again when AWS ends it", async () => {
  const tails = [new Tail(), new Tail(), new Tail()];
  const timeout = Object.assign(new Error("three hours"), { name: "SessionTimeoutException" });
  tails[0]!.push(update(), timeout);
  tails[1]!.push(update(), { SessionTimeoutException: timeout } as unknown as Part);
  const bell = new Bell();
  tailIs(() => tails[starts.length - 1]!.stream());
  const ringing = ringWithLiveTail(bell, GROUP, TARGET, stop.signal, tell, { silenceMs: 60_000, minSessionMs: 0 });
  tails[2]!.push(update("line"));
  expect(await bell.wait(60_000, stop.signal)).toBe(true);
  expect([starts.length, bell.isLive]).toEqual([3, true]);
  stop.abort();
  await ringing;
  expect([bell.isLive, told]).toEqual([false, []]);
});

describe("the bell", () => {
  test("that rang before it is waited for has rung, once", async () => {
    const bell = new Bell();
    bell.ring();
    bell.ring();
    expect(await bell.wait(10_000, stop.signal)).toBe(true);
    expect(await bell.wait(10, stop.signal)).toBe(false);
  });

  test("a stop ends the waiting", async () => {
    const waiting = new Bell().wait(60_000, stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });
});
