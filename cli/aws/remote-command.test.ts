/** How often a command is sent: SSM is a small HTTP server, which takes it and whose answer is lost. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { FAKE_AWS_ENV } from "../../test/aws/moto.ts";
import { runRemotely } from "./remote-command.ts";

const LIMITS = { pollMs: 10, runSeconds: 60, startSeconds: 30, graceMs: 1_000 };
const TARGET = { region: "us-east-1", profile: undefined };
const GOING = new AbortController().signal;

let server: Server;
let asked: string[];
/** Questions whose answers are lost, the first time that they are asked. */
let lost: ReadonlySet<string>;
let before: NodeJS.ProcessEnv;
beforeEach(async () => {
  asked = [];
  before = { ...process.env };
  server = createServer((request, response) => {
    const what = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
    const isFirst = !asked.includes(what);
    asked.push(what);
    if (isFirst && lost.has(what)) {
      request.socket.destroy();
      return;
    }
    const answer = what === "SendCommand" ? { Command: { CommandId: "c-1" } } : { Status: "Success", ResponseCode: 0 };
    response.setHeader("content-type", "application/x-amz-json-1.1").end(JSON.stringify(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  Object.assign(process.env, FAKE_AWS_ENV, { AWS_ENDPOINT_URL });
});
afterEach(() => {
  process.env = before;
  server.closeAllConnections();
  server.close();
});

const run = () => runRemotely("i-0123456789abcdef0", "systemctl restart kimtest", TARGET, LIMITS, GOING);

test("a command whose answer is lost may run already: it is not sent a second time", async () => {
  lost = new Set(["SendCommand"]);
  await expect(run()).rejects.toMatchObject({ code: "CLOUD_FAILED" });
  expect(asked).toEqual(["SendCommand"]);
});

test("how it goes is asked again", async () => {
  lost = new Set(["GetCommandInvocation"]);
  await expect(run()).resolves.toMatchObject({ exitCode: 0 });
  expect(asked).toEqual(["SendCommand", "GetCommandInvocation", "GetCommandInvocation"]);
});
