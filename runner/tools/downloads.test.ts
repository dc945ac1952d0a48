/** Against a real HTTP server on this machine. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Clock } from "../platform/clock.ts";
import { fetchTool, type Download, type DownloadCopy, type DownloadOptions } from "./downloads.ts";

const JAR = Buffer.from("the jar that was looked at");
const MOVED = Buffer.from("the same tag, another jar");
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

let folder: string;
let server: Server;
let url: string;
let requests: number;
let answer: (response: ServerResponse, request: number) => void;
let pauses: number[];
let download: Download;
let options: DownloadOptions;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-downloads-"));
  requests = 0;
  pauses = [];
  answer = (response) => response.end(JAR);
  server = createServer((_request, response) => {
    requests += 1;
    answer(response, requests);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/tool.jar`;
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  };
  download = { name: "tool.jar", url, sha256: sha256(JAR) };
  options = { toolsFolder: join(folder, "tools"), clock, attemptDeadlineMs: 5_000, maxAttempts: 3, maxBytes: 1_000 };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** A copy in memory. */
function copyWith(bytes?: Buffer): DownloadCopy & { saved: Buffer[] } {
  const saved: Buffer[] = [];
  return {
    saved,
    read: () => Promise.resolve(bytes),
    save: (_download, given) => {
      saved.push(given);
      return Promise.resolve();
    },
  };
}

test("fetched once, checked, kept under its hash; then used from there", async () => {
  const copy = copyWith();
  const first = await fetchTool(download, { ...options, copy });
  expect(first).toEqual({ path: join(folder, "tools", sha256(JAR), "tool.jar"), from: "web", warnings: [] });
  expect(readFileSync(first.path)).toEqual(JAR);
  expect(readdirSync(dirname(first.path))).toEqual(["tool.jar"]);
  expect(copy.saved).toEqual([JAR]);
  expect(await fetchTool(download, options)).toMatchObject({ from: "tools folder", path: first.path });
  expect(requests).toBe(1);
});

test("a file that was damaged on disk is fetched again", async () => {
  const { path } = await fetchTool(download, options);
  writeFileSync(path, "half");
  expect(await fetchTool(download, options)).toMatchObject({
    from: "web",
    warnings: [`${path} was damaged and is fetched again`],
  });
  expect(readFileSync(path)).toEqual(JAR);
});

test("a file that moved is never used: the error names both hashes", async () => {
  answer = (response) => response.end(MOVED);
  await expect(fetchTool(download, options)).rejects.toMatchObject({
    code: "TOOL_MISSING",
    message:
      `tool.jar cannot be had: ${url} has the SHA-256 ${sha256(MOVED)}, but ${sha256(JAR)} is pinned; ` +
      "no copy is kept",
    hint: `look at what ${url} is now; when it is to be trusted, pin its new SHA-256 in the profile`,
  });
  expect(requests).toBe(1); // asking again would not change it
  expect(readdirSync(join(folder, "tools", sha256(JAR)))).toEqual([]);
});

test("its copy in the store takes the place of a file that moved", async () => {
  answer = (response) => response.end(MOVED);
  const downloaded = await fetchTool(download, { ...options, copy: copyWith(JAR) });
  expect(downloaded.from).toBe("copy");
  expect(downloaded.warnings).toEqual([expect.stringMatching(/is pinned; its copy in the store was used$/)]);
  expect(readFileSync(downloaded.path)).toEqual(JAR);
});

test("a copy that is not the file is not used either", async () => {
  answer = (response) => response.writeHead(404).end();
  await expect(fetchTool(download, { ...options, copy: copyWith(MOVED) })).rejects.toMatchObject({
    message: `tool.jar cannot be had: ${url} answered 404; its copy in the store has the SHA-256 ${sha256(MOVED)}`,
  });
  expect(requests).toBe(1);
});

test("what may pass is tried again, with pauses, up to the limit", async () => {
  answer = (response, request) => (request < 3 ? response.writeHead(503).end() : response.end(JAR));
  expect(await fetchTool(download, options)).toMatchObject({ from: "web" });
  expect(pauses).toEqual([1_000, 2_000]);
  rmSync(join(folder, "tools"), { recursive: true });
  answer = (response) => response.writeHead(503).end();
  await expect(fetchTool(download, options)).rejects.toThrow(`${url} answered 503 (3 attempts); no copy is kept`);
});

test("an answer that does not end is cut at the deadline, a connection that breaks is tried again", async () => {
  answer = (response) => response.write("beginning");
  await expect(fetchTool(download, { ...options, attemptDeadlineMs: 200, maxAttempts: 1 })).rejects.toThrow(
    `${url} took longer than 0.2 s; no copy is kept`,
  );
  requests = 0;
  answer = (response, request) => {
    if (request > 1) response.end(JAR);
    else {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    }
  };
  expect(await fetchTool(download, options)).toMatchObject({ from: "web" });
});

test("a file that is too large is not read to its end", async () => {
  answer = (response) => response.end(Buffer.alloc(2_000));
  await expect(fetchTool(download, options)).rejects.toThrow(`${url} is larger than 1000 bytes`);
});

test("a copy that cannot be kept is a warning", async () => {
  const copy: DownloadCopy = { read: () => Promise.resolve(undefined), save: () => Promise.reject(new Error("full")) };
  expect(await fetchTool(download, { ...options, copy })).toMatchObject({
    from: "web",
    warnings: ["no copy of tool.jar was kept: full"],
  });
});

test("a stop ends it", async () => {
  answer = (response) => response.writeHead(503).end();
  const stop = new AbortController();
  const clock = {
    ...options.clock,
    sleep: () => {
      stop.abort();
      return Promise.resolve();
    },
  };
  await expect(fetchTool(download, { ...options, clock, signal: stop.signal })).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
});

test("a pin that is none is refused", async () => {
  mkdirSync(join(folder, "tools"));
  for (const change of [{ sha256: "4c1d62e0..." }, { sha256: sha256(JAR).toUpperCase() }, { name: "../tool.jar" }]) {
    await expect(fetchTool({ ...download, ...change }, options)).rejects.toMatchObject({ code: "BAD_INPUT" });
  }
  expect(requests).toBe(0);
});
