/**
 * The other end of NOTIFY_SOCKET: a real unix datagram socket, held by a small Python program, because Node
 * has none. Where the real `systemd-notify` is not installed, one of a few lines takes its place.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    data = s.recv(65536)  # the descriptor that comes with BARRIER=1 is closed by not being taken
    print(json.dumps(data.decode()), flush=True)
`;
const STAND_IN = `#!/usr/bin/env python3
import os, socket, sys
if "--version" not in sys.argv:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto("\\n".join(sys.argv[1:]).encode(), os.environ["NOTIFY_SOCKET"])
`;

export interface SystemdSocket {
  /** For the environment of the service. */
  readonly env: Readonly<Record<string, string>>;
  readonly isReal: boolean;
  /** All assignments received so far: WATCHDOG=1, STATUS=…, in order. */
  readonly received: readonly string[];
  stop(): Promise<void>;
}

/** `folder`: of the test, with a short path. */
export async function startSystemdSocket(folder: string): Promise<SystemdSocket> {
  const path = join(folder, "notify");
  const child = spawn("python3", ["-c", RECEIVER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const received: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, "line");
  lines.on("line", (line) => {
    if (line === "ready") return;
    const parts = (JSON.parse(line) as string).split("\n");
    received.push(...parts.filter((part) => part !== "" && part !== "BARRIER=1"));
  });
  await ready;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const isReal = folders.some((one) => existsSync(join(one, "systemd-notify")));
  if (!isReal) {
    writeFileSync(join(folder, "systemd-notify"), STAND_IN);
    chmodSync(join(folder, "systemd-notify"), 0o755);
  }
  return {
    env: { NOTIFY_SOCKET: path, ...(isReal ? {} : { PATH: [folder, ...folders].join(delimiter) }) },
    isReal,
    received,
    async stop() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
