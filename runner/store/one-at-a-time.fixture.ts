/**
 * For tests: a proxy that passes on one request at a time. moto checks the condition of a put and writes in two steps;
 * behind this the two are one, as S3 promises.
 */
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

export interface OneAtATime {
  readonly endpoint: string;
  stop(): Promise<void>;
}

async function passOn(port: number, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { method, url: path, headers } = asked;
  const passed = request({ host: "127.0.0.1", port, method, path, headers });
  const answering = once(passed, "response");
  await pipeline(asked, passed);
  const [answered] = (await answering) as [IncomingMessage];
  answer.writeHead(answered.statusCode ?? 502, answered.rawHeaders);
  await pipeline(answered, answer);
}

export async function startOneAtATime(port: number): Promise<OneAtATime> {
  let last: Promise<void> = Promise.resolve();
  const server = createServer((asked, answer) => {
    last = last.then(() => passOn(port, asked, answer)).catch((error: unknown) => void answer.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await last;
    },
  };
}
