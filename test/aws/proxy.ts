/**
 * A TCP proxy that can be told to fail, to put between a client and the emulator.
 *
 * - `pass`: forwards both ways.
 * - `refuse`: closes each connection at once (as good as nobody listening, with a port that stays ours).
 * - `hang`: accepts and never answers.
 * - `cut-answers`: forwards the request, and cuts the connection when the answer comes: the server has done
 *   it, the client does not know.
 * - `cut-bodies`: cuts an answer after its first megabyte.
 * - `slow`: forwards answers at about 2 MB/s.
 */
import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";
import { Transform } from "node:stream";

export type ProxyMode = "pass" | "refuse" | "hang" | "cut-answers" | "cut-bodies" | "slow";

const CUT_AFTER_BYTES = { pass: Infinity, slow: Infinity, "cut-answers": 0, "cut-bodies": 1024 * 1024 } as const;
const SLOW_PAUSE_MS = 30;

export interface Proxy {
  readonly endpoint: string;
  /** Connections taken so far. */
  readonly connections: number;
  /** Of answers, passed on so far. */
  readonly bytes: number;
  /** Changes what happens to new connections and cuts those that are open. */
  set(mode: ProxyMode): void;
  /** For the next `count` connections only, then `pass` again. */
  setOnce(mode: ProxyMode, count: number): void;
  stop(): Promise<void>;
}

interface Passing {
  readonly cutAfterBytes: number;
  readonly isSlow: boolean;
  readonly onBytes: (count: number) => void;
}

function join(client: Socket, target: number, sockets: Set<Socket>, passing: Passing): void {
  const server = connect(target, "127.0.0.1");
  sockets.add(server);
  const end = (): void => {
    client.destroy();
    server.destroy();
    sockets.delete(server);
  };
  // A reset on either side is what a proxy for outages is about; it ends the other side too.
  for (const socket of [client, server]) socket.on("error", end);
  client.on("close", end);
  client.pipe(server);
  server.on("data", ({ length }: Buffer) => {
    passing.onBytes(length);
  });
  if (passing.isSlow) {
    // What the server has sent is still on its way when the server is done.
    server.pipe(slowly()).pipe(client);
    return;
  }
  server.on("close", end);
  const { cutAfterBytes } = passing;
  if (cutAfterBytes === Infinity) {
    server.pipe(client);
    return;
  }
  let passed = 0;
  server.on("data", (chunk: Buffer) => {
    passed += chunk.length;
    if (passed > cutAfterBytes) client.resetAndDestroy();
    else client.write(chunk);
  });
}

/** A socket gives at most 64 KiB at once. */
const slowly = (): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      setTimeout(() => {
        done(null, chunk);
      }, SLOW_PAUSE_MS);
    },
  });

export async function startProxy(targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let mode: ProxyMode = "pass";
  let left = Infinity;
  let connections = 0;
  let bytes = 0;
  const listener = createServer((client) => {
    connections++;
    sockets.add(client);
    client.on("close", () => sockets.delete(client)).on("error", () => client.destroy());
    const now = left > 0 ? mode : "pass";
    left--;
    if (now === "refuse") client.resetAndDestroy();
    else if (now !== "hang") {
      join(client, targetPort, sockets, {
        cutAfterBytes: CUT_AFTER_BYTES[now],
        isSlow: now === "slow",
        onBytes: (count) => {
          bytes += count;
        },
      });
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    endpoint: `http://127.0.0.1:${String(address.port)}`,
    get connections() {
      return connections;
    },
    get bytes() {
      return bytes;
    },
    set(next) {
      mode = next;
      left = Infinity;
      cutAll();
    },
    setOnce(next, count) {
      mode = next;
      left = count;
      cutAll();
    },
    async stop() {
      listener.close();
      cutAll();
      await once(listener, "close");
    },
  };
}
