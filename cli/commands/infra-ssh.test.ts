/**
 * infra-ssh. The emulator has no StartSession and runs no commands: SSM is mocked or a small HTTP server, the plugin a
 * stand-in on PATH that notes how it was called. That the emulator takes our SendCommand: infra-restart.test.ts.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  GetCommandInvocationCommand,
  GetParameterCommand,
  SendCommandCommand,
  SSMClient,
  StartSessionCommand,
  TargetNotConnected,
  TerminateSessionCommand,
} from "@aws-sdk/client-ssm";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { execa } from "execa";
import { FAKE_AWS_ENV } from "../../test/aws/moto.ts";
import { until } from "../../test/until.ts";
import { partsOf } from "../aws/stack.fixture.ts";
import { isLater } from "../aws/session.ts";
import { kimtest } from "../fake-deps.fixture.ts";
import { parseForward } from "./infra-ssh.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const SESSION = { SessionId: "s-1", TokenValue: "secret", StreamUrl: "wss://x" };

let ssm: ReturnType<typeof mockSsm>;
let folder: string;
let path: string | undefined;
let endpoint: string | undefined;
function mockSsm() {
  const mock = mockClient(SSMClient);
  mock.on(GetParameterCommand).resolves({ Parameter: { Value: JSON.stringify(partsOf("dev")) } });
  mock.on(StartSessionCommand).resolves(SESSION);
  mock.on(TerminateSessionCommand).resolves({});
  mock.on(SendCommandCommand).resolves({ Command: { CommandId: "c-1" } });
  return mock;
}
beforeEach(() => {
  ssm = mockSsm();
  folder = mkdtempSync(join(tmpdir(), "kimtest-plugin-"));
  symlinkSync(process.execPath, join(folder, "node"));
  ({ PATH: path, AWS_ENDPOINT_URL: endpoint } = process.env);
  process.env["PATH"] = folder;
  Reflect.deleteProperty(process.env, "AWS_ENDPOINT_URL");
});
afterEach(() => {
  ssm.restore();
  process.env["PATH"] = path;
  if (endpoint !== undefined) process.env["AWS_ENDPOINT_URL"] = endpoint;
  rmSync(folder, { recursive: true });
});

/** `then`: more of the stand-in's program, after it has noted its call. */
function plugin(version: string, then = ""): void {
  const file = join(folder, "session-manager-plugin");
  const call = join(folder, "call.json");
  writeFileSync(
    file,
    `#!${process.execPath}
const fs = require("node:fs");
if (process.argv[2] === "--version") {
  console.log(${JSON.stringify(version)});
  ${then === "gone" ? `fs.rmSync(${JSON.stringify(file)});` : ""}
} else {
  const response = process.env.AWS_SSM_START_SESSION_RESPONSE;
  fs.writeFileSync(${JSON.stringify(call)}, JSON.stringify({ argv: process.argv.slice(2), response }));
  ${then === "gone" ? "" : then}
}
`,
  );
  chmodSync(file, 0o755);
}

function called(): { argv: string[]; response?: string } | undefined {
  const call = join(folder, "call.json");
  return existsSync(call)
    ? (JSON.parse(readFileSync(call, "utf8")) as { argv: string[]; response?: string })
    : undefined;
}

const inputs = (command: typeof StartSessionCommand | typeof TerminateSessionCommand): unknown[] =>
  ssm.calls().flatMap(({ args: [one] }) => (one instanceof command ? one.input : []));

const REQUEST = { Target: "i-0123456789abcdef0" };
const HOST = "https://ssm.us-east-1.amazonaws.com";
const ARGV = ["infra-ssh", "--stack", "dev", "--region", "us-east-1"];

describe("a shell", () => {
  test("as the AWS CLI calls the plugin; the token is not among its arguments", async () => {
    plugin("1.2.553.0");
    expect(await kimtest([...ARGV, "--profile", "p"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(called()?.argv).toEqual([
      "AWS_SSM_START_SESSION_RESPONSE",
      "us-east-1",
      "StartSession",
      "p",
      JSON.stringify(REQUEST),
      HOST,
    ]);
    expect(JSON.parse(called()?.response ?? "")).toEqual(SESSION);
    expect(inputs(StartSessionCommand)).toEqual([REQUEST]);
    expect(inputs(TerminateSessionCommand)).toEqual([]);
  });

  test("an older plugin gets the response itself", async () => {
    plugin("1.2.497.0");
    expect(await kimtest(ARGV)).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(called()?.argv[0] ?? "")).toEqual(SESSION);
    expect(called()?.argv[3]).toBe("");
    expect(called()?.response).toBeUndefined();
  });

  test("--forward", async () => {
    plugin("1.2.553.0");
    const request = {
      ...REQUEST,
      DocumentName: "AWS-StartPortForwardingSession",
      Parameters: { portNumber: ["80"], localPortNumber: ["8080"] },
    };
    expect(await kimtest([...ARGV, "--forward", "8080:80"])).toMatchObject({ exitCode: 0 });
    expect(inputs(StartSessionCommand)).toEqual([request]);
    expect(JSON.parse(called()?.argv[4] ?? "")).toEqual(request);
  });
});

describe("what stands in the way", () => {
  test("no plugin: no session is begun, and how to install it", async () => {
    const ran = await kimtest(ARGV);
    expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
    expect(ran.stderr).toMatch(
      /^kimtest: there is no session-manager-plugin on PATH\n {2}install it: https:\/\/docs\.aws\.amazon\.com\//,
    );
    expect(inputs(StartSessionCommand)).toEqual([]);
  });

  test("a plugin that is missing once the session is begun: the session is terminated", async () => {
    plugin("1.2.553.0", "gone");
    const ran = await kimtest(ARGV);
    expect(ran).toMatchObject({ exitCode: 6, stdout: "" });
    expect(ran.stderr).toMatch(
      /^kimtest: there is no session-manager-plugin on PATH; the session is terminated\n {2}install it/,
    );
    expect(inputs(TerminateSessionCommand)).toEqual([{ SessionId: "s-1" }]);
  });

  test("a plugin that fails: its exit code is told, and a session that cannot be terminated, too", async () => {
    plugin("1.2.553.0", "process.exitCode = 3;");
    ssm.on(TerminateSessionCommand).rejects(new Error("no such session"));
    expect(await kimtest(ARGV)).toEqual({
      exitCode: 5,
      stdout: "",
      stderr:
        "kimtest: session-manager-plugin: exit code 3; session s-1 could not be terminated (no such session)\n" +
        "  its own words are above\n",
    });
  });

  test("a machine that does not answer", async () => {
    plugin("1.2.553.0");
    ssm.on(StartSessionCommand).rejects(new TargetNotConnected({ message: "", $metadata: {} }));
    const ran = await kimtest(ARGV);
    expect(ran).toMatchObject({ exitCode: 5, stdout: "" });
    expect(ran.stderr).toMatch(/^kimtest: i-0123456789abcdef0 does not answer Systems Manager\n/);
    expect(called()).toBeUndefined();
  });
});

describe("signals, to a real process (SSM is a small HTTP server)", () => {
  /** It lives until the second key; SIGTERM ends it. */
  const LIVES = `let keys = 0; setTimeout(() => process.exit(9), 60_000);
    process.on("SIGINT", () => { console.log("key"); keys += 1; if (keys === 2) process.exit(0); });
    console.log("ready");`;

  async function signalled(...signals: [afterMs: number, signal: NodeJS.Signals][]) {
    plugin("1.2.553.0", LIVES);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const what = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
      asked.push(what);
      const answer = what === "GetParameter" ? { Parameter: { Value: JSON.stringify(partsOf("dev")) } } : SESSION;
      response.setHeader("content-type", "application/x-amz-json-1.1").end(JSON.stringify(answer));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const AWS_ENDPOINT_URL = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const argv = ["--disable-warning=ExperimentalWarning", MAIN, ...ARGV];
    const child = execa(process.execPath, argv, {
      env: { ...FAKE_AWS_ENV, AWS_ENDPOINT_URL },
      reject: false,
      timeout: 90_000, // only what hangs reaches it
      detached: true,
    });
    let shown = "";
    child.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    for (const [index, [afterMs, signal]] of signals.entries()) {
      await until("what came before has arrived", () => shown.split("\n").length === 2 + index);
      await delay(afterMs);
      // To the whole group, as the terminal does it.
      process.kill(-(child.pid ?? 0), signal);
    }
    const { exitCode, stdout } = await child;
    server.closeAllConnections();
    server.close();
    return { exitCode, stdout, asked };
  }

  test("Ctrl-C again and again is the plugin's alone", async () => {
    expect(await signalled([0, "SIGINT"], [1_200, "SIGINT"])).toEqual({
      exitCode: 0,
      stdout: "ready\nkey\nkey",
      asked: ["GetParameter", "StartSession"],
    });
  });

  test("SIGTERM ends the session", async () => {
    expect(await signalled([0, "SIGTERM"])).toEqual({
      exitCode: 130,
      stdout: "ready",
      asked: ["GetParameter", "StartSession", "TerminateSession"],
    });
  });
});

describe("--command", () => {
  test("output and exit code are the command's", async () => {
    const answer = { Status: "Failed", StatusDetails: "Failed", ResponseCode: 3 } as const;
    ssm
      .on(GetCommandInvocationCommand)
      .resolves({ ...answer, StandardOutputContent: "● kimtest.service\n", StandardErrorContent: "inactive\n" });
    expect(await kimtest([...ARGV, "--command", "systemctl status kimtest"])).toEqual({
      exitCode: 3,
      stdout: "● kimtest.service\n",
      stderr: "inactive\n",
    });
    expect(ssm.commandCalls(SendCommandCommand)[0]?.args[0].input.Parameters).toEqual({
      commands: ["systemctl status kimtest"],
      executionTimeout: ["3600"],
    });
  });

  test("output that AWS has cut is said to be cut", async () => {
    const text = "x".repeat(24_000);
    ssm.on(GetCommandInvocationCommand).resolves({ Status: "Success", ResponseCode: 0, StandardOutputContent: text });
    expect(await kimtest([...ARGV, "--command", "yes"])).toEqual({
      exitCode: 0,
      stdout: text,
      stderr: "kimtest: the output is cut: AWS gives back 24,000 characters, and 8,000 of stderr\n",
    });
  });
});

test.each(["80", "0:80", "80:65536", "a:b", "1:2:3", "-1:80", ""])("--forward %j", (text) => {
  expect(() => parseForward(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test.each([
  ["1.2.498.0", true],
  ["1.3.0.0", true],
  ["2.0", true],
  ["1.2.497.0", false],
  ["1.2.99.0", false],
  ["", false],
])("plugin %j is later: %j", (version, expected) => {
  expect(isLater(version, [1, 2, 497, 0])).toBe(expected);
});
