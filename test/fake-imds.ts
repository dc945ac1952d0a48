/** A stand-in for the instance metadata service: the token as IMDSv2 wants it, and a spot notice when the test says so. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeImds {
  readonly endpoint: string;
  /** Answers by path; any other path is a 404. Change it at any time. */
  readonly answers: Map<string, string>;
  /** Questions with a valid token, by path. */
  readonly asked: Map<string, number>;
  /** Tokens handed out before are refused from now on. */
  revokeTokens(): void;
  /** Accepts, and answers nothing. */
  hang(): void;
  stop(): Promise<void>;
}

export const INSTANCE_ACTION = "/latest/meta-data/spot/instance-action";
export const REBALANCE = "/latest/meta-data/events/recommendations/rebalance";

export const noticeIn = (ms: number): string =>
  JSON.stringify({ action: "stop", time: new Date(Date.now() + ms).toISOString() });

export async function startFakeImds(): Promise<FakeImds> {
  const answers = new Map<string, string>();
  const asked = new Map<string, number>();
  let token = "token-1";
  let hangs = false;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (hangs) return;
    const path = request.url ?? "";
    const end = (status: number, text: string): void => {
      response.writeHead(status, { "content-type": "text/plain" }).end(text);
    };
    if (path === "/latest/api/token") {
      const seconds = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (request.method === "PUT" && seconds >= 1 && seconds <= 21_600) end(200, token);
      else end(400, "");
      return;
    }
    if (request.method !== "GET" || request.headers["x-aws-ec2-metadata-token"] !== token) {
      end(401, "");
      return;
    }
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const text = answers.get(path);
    end(text === undefined ? 404 : 200, text ?? "");
  };
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    answers,
    asked,
    revokeTokens() {
      token = `token-${String(Number(token.slice("token-".length)) + 1)}`;
    },
    hang() {
      hangs = true;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
