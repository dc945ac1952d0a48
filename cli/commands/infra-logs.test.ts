/**
 * infra-logs against a real AWS emulator. Throttling, faults and breaks come from a small HTTP server before it, for
 * the emulator has none. How lines that are late are treated: cli/infra/log-window.test.ts.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Chalk } from "chalk";
import { PHASES } from "../../contracts/parts.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { until } from "../../test/until.ts";
import { putStack } from "../aws/stack.fixture.ts";
import { fakeDeps, kimtest } from "../fake-deps.fixture.ts";
import { LOG_STREAMS } from "../infra/log-lines.ts";
import { infraLogs, LOGGED_PHASES, LOGGED_STREAMS, type InfraLogsOptions } from "./infra-logs.ts";

const GROUP = "kimtest-dev-logs";
const NOW_MS = Date.now();
const now = () => NOW_MS;

const moto = motoOfFile({ forgets: true });
let client: CloudWatchLogsClient;
beforeAll(() => {
  client = new CloudWatchLogsClient({});
});
afterAll(() => {
  client.destroy();
});
beforeEach(async () => {
  await putStack("dev");
  await client.send(new CreateLogGroupCommand({ logGroupName: GROUP }));
  for (const kind of LOG_STREAMS) {
    await client.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: `${kind}/i-1` }));
  }
});

/** `ago`: seconds. */
async function put(kind: string, ...lines: [ago: number, text: string | object][]): Promise<void> {
  const logEvents = lines.map(([ago, text]) => ({
    timestamp: NOW_MS - ago * 1_000,
    message: typeof text === "string" ? text : JSON.stringify(text),
  }));
  await client.send(new PutLogEventsCommand({ logGroupName: GROUP, logStreamName: `${kind}/i-1`, logEvents }));
}

const phaseLine = (what: "started" | "ended", phase: string) => ({ level: 30, phase, msg: `phase ${what}` });
const at = (ago: number): string => new Date(NOW_MS - ago * 1_000).toISOString().replace("T", " ").slice(0, 19);
const messages = (stdout: string): unknown[] =>
  stdout.split("\n").flatMap((line) => (line === "" ? [] : (JSON.parse(line) as { message: string }).message));

describe("what there is", () => {
  test("times are the reader's, or UTC on request", async () => {
    await put("service", [60, "one"]);
    const argv = ["infra-logs", "--no-follow"];
    const local = await kimtest(argv, { now, timeZone: "Asia/Kolkata" });
    const inKolkata = new Date(NOW_MS - 60_000 + 5.5 * 3_600_000).toISOString().replace("T", " ").slice(0, 19);
    expect(local.stdout).toBe(`${inKolkata}  service     one\n`);
    const utc = await kimtest([...argv, "--utc"], { now, timeZone: "Asia/Kolkata" });
    expect(utc.stdout).toBe(`${at(60)}Z  service     one\n`);
  });

  test("in order, all streams, as people read it; what acts on a terminal is shown", async () => {
    await put("service", [60, "launch: starting bundle ab\u001b[2J"]);
    await put(
      "runner",
      [50, { level: 40, time: "x", failures: 3, reason: null, seed: "x", msg: "late" }],
      [40, "half a li"],
    );
    await put("runner", [30, { level: 50, msg: "broken\nfaked" }]);
    await put("runner", [7_000, "older than --since"]);
    const ran = await kimtest(["infra-logs", "--no-follow"], { now });
    expect(ran).toEqual({
      exitCode: 0,
      stderr: "",
      stdout:
        `${at(60)}  service     launch: starting bundle ab\\u{1b}[2J\n` +
        `${at(50)}  runner      late failures=3 seed="x"\n` +
        `${at(40)}  runner      half a li\n` +
        `${at(30)}  runner      broken faked\n`,
    });
  });

  test("levels have their colours", async () => {
    await put("runner", [3, { level: 30, msg: "i" }], [2, { level: 40, msg: "w" }], [1, { level: 50, msg: "e" }]);
    const colours = () => Promise.resolve(new Chalk({ level: 1 }));
    const { stdout } = await kimtest(["infra-logs", "--no-follow"], { now, colours });
    const ends = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("  ").at(-1));
    expect(ends).toEqual(["i", "\u001b[33mw\u001b[39m", "\u001b[31me\u001b[39m"]);
  });

  test("--json: one object per line, of one shape", async () => {
    await put("service", [60, "plain"]);
    await put("runner", [50, { level: 30, phase: "vopr", planned_seconds: 5, msg: "phase started" }]);
    const { stdout } = await kimtest(["infra-logs", "--no-follow", "--json"], { now });
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const iso = (ago: number): string => new Date(NOW_MS - ago * 1_000).toISOString();
    const id = expect.any(String) as unknown;
    expect(lines).toEqual([
      { at: iso(60), stream: "service/i-1", level: null, phase: null, message: "plain", data: {}, id },
      {
        at: iso(50),
        stream: "runner/i-1",
        level: "info",
        phase: "vopr",
        message: "phase started",
        data: { phase: "vopr", planned_seconds: 5 },
        id,
      },
    ]);
  });

  test("--filter, --stream, --since", async () => {
    await put("service", [600, "digest one"], [300, "digest two"]);
    await put("runner", [200, { level: 30, msg: "digest three" }], [100, { level: 30, msg: "other" }]);
    const shown = async (...argv: string[]) =>
      messages((await kimtest(["infra-logs", "--no-follow", "--json", ...argv], { now })).stdout);
    expect(await shown("--filter", "digest", "--since", "1h")).toEqual(["digest one", "digest two", "digest three"]);
    expect(await shown("--stream", "runner")).toEqual(["digest three", "other"]);
    expect(await shown("--since", "150s")).toEqual(["other"]);
    expect(await shown("--since", new Date(NOW_MS - 250_000).toISOString())).toEqual(["digest three", "other"]);
  });

  test("--phase: also one that began before --since, with the lines of other streams", async () => {
    await put("runner", [90_000, phaseLine("ended", "fuzz")], [80_000, phaseLine("started", "vopr")]);
    await put("runner", [300, { level: 30, msg: "in vopr" }], [100, phaseLine("ended", "vopr")]);
    await put("service", [200, "service in vopr"], [90, "between"]);
    await put("runner", [80, phaseLine("started", "digest")], [70, { level: 30, msg: "in digest" }]);
    const shown = async (phase: string) =>
      messages((await kimtest(["infra-logs", "--no-follow", "--json", "--phase", phase], { now })).stdout);
    expect(await shown("vopr")).toEqual(["in vopr", "service in vopr", "phase ended"]);
    expect(await shown("digest")).toEqual(["phase started", "in digest"]);
    expect(await shown("fuzz")).toEqual([]);
  });

  test("more than a page of them, each once", async () => {
    for (let batch = 0; batch < 3; batch += 1) {
      const lines = Array.from({ length: 4_000 }, (_, index): [number, string] => [
        590 - batch * 100 - index / 100,
        `${String(batch)}-${String(index)}`,
      ]);
      await put("service", ...lines);
    }
    const { stdout } = await kimtest(["infra-logs", "--no-follow"], { now });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(12_000);
    expect(new Set(lines.map((line) => line.split("  ").at(-1))).size).toBe(12_000);
  });

  test("--live is for following", async () => {
    const ran = await kimtest(["infra-logs", "--no-follow", "--live"], { now });
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: --live is a way to follow, .*\n {2}leave out one of them\n$/);
  });

  test("no such group", async () => {
    await putStack("dev", { log_group: "kimtest-gone-logs" });
    const ran = await kimtest(["infra-logs", "--no-follow"], { now });
    expect(ran).toMatchObject({ exitCode: 4, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: there is no log group kimtest-gone-logs\n/);
  });
});

const FAST = { pollMs: 20, quietMs: 60_000, settleMs: 200, firstRetryMs: 5, maxRetryMs: 20, giveUpMs: 60_000 };
const follow: InfraLogsOptions = { stack: "dev", since: "10m", follow: true, json: true };

describe("following", () => {
  test("lines that come, and come late, each once; Ctrl-C ends it well", async () => {
    const stop = new AbortController();
    const { deps, ran } = fakeDeps({ now, stop: stop.signal });
    const following = infraLogs(follow, deps, FAST);
    const shown = (count: number): Promise<void> =>
      until(`${String(count)} lines`, () => messages(ran.stdout).length >= count);
    await put("runner", [20, "a"]);
    await shown(1);
    await put("runner", [10, "b"]);
    await shown(2);
    await put("service", [15, "late"]);
    await shown(3);
    await delay(100);
    stop.abort("SIGINT");
    await following;
    expect(messages(ran.stdout)).toEqual(["a", "b", "late"]);
    expect(ran.stderr).toBe("");
  });

  test("--live asks for a Live Tail; without one, as here, it says so and follows all the same", async () => {
    const stop = new AbortController();
    const { deps, ran } = fakeDeps({ now, stop: stop.signal });
    const following = infraLogs({ ...follow, live: true }, deps, FAST);
    const until = async (isSo: () => boolean): Promise<void> => {
      for (let turn = 0; turn < 500 && !isSo(); turn += 1) await delay(20);
    };
    await until(() => ran.stderr !== "");
    expect(ran.stderr).toMatch(/^no Live Tail \(.+\); asking every few seconds instead\n$/);
    await put("runner", [20, "a"]);
    await until(() => ran.stdout !== "");
    stop.abort("SIGINT");
    await following;
    expect(messages(ran.stdout)).toEqual(["a"]);
  });
});

/** Before the emulator: answers to FilterLogEvents come from `next`, and when it says nothing, from the emulator. */
async function behind(next: () => { status: number; type: string } | "break" | undefined, work: () => Promise<void>) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isQuestion = String(request.headers["x-amz-target"]).endsWith(".FilterLogEvents");
      const answer = isQuestion ? next() : undefined;
      if (answer === "break") request.socket.destroy();
      else if (answer !== undefined) {
        response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify({ __type: answer.type, message: "so it is" }));
      } else void passOn(request.headers as Record<string, string>, Buffer.concat(chunks), response);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const before = process.env["AWS_ENDPOINT_URL"];
  process.env["AWS_ENDPOINT_URL"] = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  try {
    await work();
  } finally {
    process.env["AWS_ENDPOINT_URL"] = before;
    server.closeAllConnections();
    server.close();
  }
}

async function passOn(headers: Record<string, string>, body: Buffer, response: ServerResponse) {
  const kept = Object.entries(headers).filter(([name]) => !/^(?:host|connection|content-length|expect)$/.test(name));
  const answer = await fetch(moto().endpoint, {
    method: "POST",
    headers: Object.fromEntries(kept),
    body: new Uint8Array(body),
  });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

const THROTTLED = { status: 400, type: "ThrottlingException" };

describe("when CloudWatch does not answer", () => {
  const read = async (pace = FAST) => {
    const { deps, ran } = fakeDeps({ now });
    await infraLogs({ ...follow, follow: false }, deps, pace);
    return ran;
  };

  test("throttled, a fault, a broken connection: it tries on, says so once, and misses nothing", async () => {
    await put("runner", [20, "a"], [10, "b"]);
    const answers = [THROTTLED, THROTTLED, { status: 500, type: "InternalFailure" }, "break"] as const;
    let asked = 0;
    await behind(
      () => answers[asked++],
      async () => {
        const { stdout, stderr } = await read();
        expect(messages(stdout)).toEqual(["a", "b"]);
        expect(stderr).toBe("CloudWatch Logs does not answer (so it is); trying on\nCloudWatch Logs answers again\n");
        expect(asked).toBe(5);
      },
    );
  });

  test("for too long: exit code 5", async () => {
    await behind(
      () => THROTTLED,
      async () => {
        await expect(read({ ...FAST, giveUpMs: 400 })).rejects.toMatchObject({
          code: "CLOUD_FAILED",
          message: "cannot read the log group kimtest-dev-logs: ThrottlingException: so it is",
        });
      },
    );
  });

  test("not allowed: at once", async () => {
    let asked = 0;
    await behind(
      () => {
        asked += 1;
        return { status: 400, type: "AccessDeniedException" };
      },
      async () => {
        await expect(read()).rejects.toMatchObject({ code: "CLOUD_FAILED" });
        expect(asked).toBe(1);
      },
    );
  });
});

test("phases and streams are those of the runner and of the agent's settings", () => {
  expect(LOGGED_PHASES).toEqual([...PHASES]);
  expect(LOGGED_STREAMS).toEqual([...LOG_STREAMS]);
  const agent = readFileSync("infra/host/amazon-cloudwatch-agent.json", "utf8");
  const named = [...agent.matchAll(/"log_stream_name": "([a-z-]+)\/\{instance_id\}"/g)].map(([, kind]) => kind);
  expect(named).toEqual(LOGGED_STREAMS);
});
