/**
 * A real moto server for one test file: `beforeAll(async () => { moto = await startMoto() })`.
 *
 * One per file, started only where it is used: it is up in about a second, files share no state, and a run
 * of simulator tests pays nothing. It chooses its own free port. It dies with the test process, however
 * that ends: a small shell beside it waits for the end of a pipe that only the test process holds.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { S3Client, CreateBucketCommand } from "@aws-sdk/client-s3";

import { KimtestError } from "../../contracts/errors.ts";
import { findMotoServer } from "./install-moto.ts";

/** Only what hangs reaches it. */
const START_TIMEOUT_MS = 120_000;
/** Filling takes about a quarter of a millisecond for each object, and the machine may be busy. */
const FILL_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 5_000;
const KEPT_LOG_LINES = 40;
const FULL_MOTO = fileURLToPath(new URL("full-moto.py", import.meta.url));
const READY = /Running on http:\/\/127\.0\.0\.1:(\d+)/;

/** Prints the server's process number; kills it when our end of the pipe closes. */
const WATCHDOG = `
exec 3<&0
"$0" "$@" -H 127.0.0.1 -p 0 3<&- </dev/null & server=$!
echo "pid $server"
( cat <&3 >/dev/null; kill -9 $server ) >/dev/null 2>&1 &
wait $server
`;

/** What every AWS client of the tests uses; moto takes any. */
export const FAKE_AWS_ENV = {
  AWS_ACCESS_KEY_ID: "testing",
  AWS_SECRET_ACCESS_KEY: "testing",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
} as const;

export interface Moto {
  /** http://127.0.0.1:PORT */
  readonly endpoint: string;
  readonly port: number;
  /** The environment for a child process that shall use this server. */
  readonly env: Readonly<Record<string, string>>;
  createBucket(name: string): Promise<void>;
  /** Forgets all that it stored, between two tests. */
  reset(): Promise<void>;
  /** Stops it in its tracks (SIGSTOP): connections are accepted by the kernel and never answered. */
  freeze(): void;
  thaw(): void;
  /** Ends it for good, with all that it stored. Safe to call twice. */
  stop(): Promise<void>;
}

interface Started {
  readonly shell: ChildProcess;
  readonly serverPid: number;
  readonly port: number;
}

async function launch(server: string, args: readonly string[], timeoutMs: number): Promise<Started> {
  const shell = spawn("sh", ["-c", WATCHDOG, server, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const log: string[] = [];
  const started = new Promise<Started>((resolve, reject) => {
    let serverPid = 0;
    const failed = (reason: string): void => {
      reject(
        new KimtestError("TOOL_MISSING", `${server} ${reason}: ${log.join("\n") || "no output"}`, {
          hint: "try it by hand: moto_server -p 5000; remove .venv to install it again",
        }),
      );
    };
    const onLine = (line: string): void => {
      log.push(line);
      if (log.length > KEPT_LOG_LINES) log.shift();
      const pid = /^pid (\d+)$/.exec(line)?.[1];
      if (pid !== undefined) serverPid = Number(pid);
      const port = READY.exec(line)?.[1];
      if (port !== undefined) resolve({ shell, serverPid, port: Number(port) });
    };
    createInterface({ input: shell.stdout }).on("line", onLine);
    createInterface({ input: shell.stderr }).on("line", onLine);
    shell.once("error", (error) => {
      failed(error.message);
    });
    shell.once("exit", (code) => {
      failed(`ended with exit code ${String(code)}`);
    });
    setTimeout(() => {
      failed(`was not ready within ${timeoutMs} ms`);
    }, timeoutMs).unref();
  });
  try {
    return await started;
  } catch (error) {
    shell.stdin.destroy();
    throw error;
  }
}

function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  };
}

/**
 * Starts a server and points this process's AWS clients at it (environment variables, put back by `stop`).
 *
 * @throws KimtestError `TOOL_MISSING` when there is no moto_server and none can be installed.
 */
export async function startMoto(): Promise<Moto> {
  return serving(await launch(await findMotoServer(), [], START_TIMEOUT_MS));
}

/** With a bucket that holds these objects from the start; for more of them than one would put one by one. */
export async function startFullMoto(
  bucket: string,
  objects: Iterable<readonly [key: string, body: string]>,
): Promise<Moto> {
  const folder = mkdtempSync(join(tmpdir(), "kimtest-moto-"));
  try {
    const path = join(folder, "objects");
    writeFileSync(path, Array.from(objects, (object) => `${JSON.stringify(object)}\n`).join(""));
    const python = join(dirname(await findMotoServer()), "python3");
    return serving(await launch(python, [FULL_MOTO, bucket, path], FILL_TIMEOUT_MS));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function serving({ shell, serverPid, port }: Started): Moto {
  const endpoint = `http://127.0.0.1:${String(port)}`;
  const env = { ...FAKE_AWS_ENV, AWS_ENDPOINT_URL: endpoint };
  const restoreEnvironment = setEnvironment(env);
  let stopped = false;
  return {
    endpoint,
    port,
    env,
    async createBucket(name) {
      const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
      const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
      await client.send(new CreateBucketCommand({ Bucket: name }));
      client.destroy();
    },
    async reset() {
      const { status } = await fetch(`${endpoint}/moto-api/reset`, { method: "POST" });
      if (status !== 200) throw new Error(`moto could not be reset: status ${String(status)}`);
    },
    freeze() {
      process.kill(serverPid, "SIGSTOP");
    },
    thaw() {
      process.kill(serverPid, "SIGCONT");
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      restoreEnvironment();
      const exited = shell.exitCode === null ? once(shell, "exit") : undefined;
      shell.stdin?.destroy();
      const late = setTimeout(() => shell.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(late);
    },
  };
}
