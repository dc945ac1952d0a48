/**
 * A scratch root in which the scripts of infra/host run for real.
 *
 * Real: bash, tar, curl, the AWS CLI (against moto), the download of everything that is pinned (from a local web
 * server, with pins of its own). Stubbed, by programs first on PATH that write down how they were called: what would
 * change the machine that runs the tests (packages, users, ownership, services, swap).
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { execa } from "execa";
import { create } from "tar";

import { serviceParameterName } from "../../contracts/stack.ts";
import { logGroupName } from "../../infra/names.ts";
import type { Moto } from "../aws/moto.ts";
import { DNF } from "./packages.ts";

export const HOST_FOLDER = fileURLToPath(new URL("../../infra/host", import.meta.url));
export const BUCKET = "results";
export const INSTANCE = "i-0123456789abcdef0";
/** Only what hangs reaches it: a run may be the set-up, with a dozen starts of the AWS CLI, or a whole cycle. */
const RUN_TIMEOUT_MS = 300_000;

/** Each writes its name and arguments to calls.txt; what it prints and how it ends follows. */
const STUBS: Readonly<Record<string, string>> = {
  dnf: DNF,
  rpm: `case "$*" in *system-release*) printf 2023.9.20251105 ;; *) [ -f "$KIMTEST_ROOT/packages-installed" ] ;; esac`,
  getent: `[ -f "$KIMTEST_ROOT/user-exists" ]`,
  useradd: `touch "$KIMTEST_ROOT/user-exists"`,
  id: `cat "$KIMTEST_ROOT/user-groups" 2>/dev/null || printf kimtest`,
  usermod: `printf 'kimtest docker' >"$KIMTEST_ROOT/user-groups"`,
  chown: `shift; for path in "$@"; do touch "$path/.owned"; done`,
  // The only question asked of stat that the test's user cannot answer is who owns a folder.
  stat: `if [ "$2" = %U ]; then if [ -f "$3/.owned" ]; then echo kimtest; else echo root; fi; else exec /usr/bin/env -i PATH=/usr/bin:/bin stat "$@"; fi`,
  runuser: `while [ "$1" != -- ]; do shift; done; shift; exec "$@"`,
  systemctl: `case "$1" in is-active) [ -f "$KIMTEST_ROOT/agent-runs" ] ;; esac`,
  "amazon-cloudwatch-agent-ctl": `touch "$KIMTEST_ROOT/agent-runs"`,
  mkswap: "",
  swapon: `case "$*" in --show*) cat "$KIMTEST_ROOT/swaps" 2>/dev/null || true ;; *) echo "$1" >"$KIMTEST_ROOT/swaps" ;; esac`,
};

export interface Result {
  readonly exitCode: number | undefined;
  readonly output: string;
}

export interface Bundle {
  readonly sha256: string;
  readonly key: string;
}

export const sha256Of = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/** A runner that writes down how it was started and says that it is up, unless it is a bad one. */
const runnerText = (name: string, comesUp: boolean): string => `
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
const settings = JSON.parse(readFileSync(process.argv[3], "utf8"));
appendFileSync(process.env.KIMTEST_ROOT + "/runs.txt", JSON.stringify({
  name: ${JSON.stringify(name)}, argv: process.argv.slice(2), bundle: process.env.KIMTEST_BUNDLE, profile: settings.profile, pid: process.pid,
}) + "\\n");
${comesUp ? `writeFileSync(process.env.KIMTEST_READY_FILE, "");` : "process.exitCode = 1;"}
`;

export class Machine {
  readonly root: string;
  readonly stack: string;
  readonly #moto: Moto;
  readonly #programs: string;
  readonly #s3: S3Client;
  readonly #ssm: SSMClient;

  private constructor(root: string, stack: string, moto: Moto, programs: string) {
    this.root = root;
    this.stack = stack;
    this.#moto = moto;
    this.#programs = programs;
    this.#s3 = new S3Client({ forcePathStyle: true });
    this.#ssm = new SSMClient({});
  }

  /** A machine as cloud-init leaves it. Each has a stack of its own, since one moto serves a whole file. */
  static async make(stack: string, moto: Moto, programs: string): Promise<Machine> {
    const root = await mkdtemp(join(tmpdir(), "kimtest-machine-"));
    const machine = new Machine(root, stack, moto, programs);
    for (const folder of ["stubs", "etc/kimtest", "var/log", "var/lib/cloud/data", "usr/local/bin", "usr/local/lib"]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    for (const [name, body] of Object.entries(STUBS)) await machine.stub(name, body);
    await writeFile(join(root, "etc/fstab"), "");
    await writeFile(join(root, "var/lib/cloud/data/instance-id"), `${INSTANCE}\n`);
    const environment = {
      KIMTEST_STACK: stack,
      KIMTEST_REGION: "us-east-1",
      KIMTEST_PARAMETER: serviceParameterName(stack),
      KIMTEST_LOG_GROUP: logGroupName(stack),
    };
    const lines = Object.entries(environment).map(([name, value]) => `${name}='${value}'\n`);
    await writeFile(join(root, "etc/kimtest/environment"), lines.join(""));
    return machine;
  }

  async stub(name: string, body: string): Promise<void> {
    const path = join(this.root, "stubs", name);
    await writeFile(path, `#!/bin/bash\necho "${name} $*" >>"$KIMTEST_ROOT/calls.txt"\n${body}\n`);
    await chmod(path, 0o755);
  }

  /** What a set-up leaves behind, for tests of the launcher alone. */
  async installLauncher(): Promise<void> {
    const library = join(this.root, "usr/local/lib/kimtest");
    await mkdir(library, { recursive: true });
    for (const name of ["common.sh", "kimtest-launch.sh"]) await cp(join(HOST_FOLDER, name), join(library, name));
    await symlink(process.execPath, join(this.root, "usr/local/bin/node"));
  }

  /** Packs a bundle and uploads it. `extra` are further files; `pins` replaces host/downloads.sh. */
  async deliver(
    name: string,
    options: {
      comesUp?: boolean;
      extra?: Readonly<Record<string, string>>;
      pins?: string;
      upload?: boolean;
      unpacked?: boolean;
    } = {},
  ): Promise<Bundle> {
    const folder = await mkdtemp(join(tmpdir(), "kimtest-bundle-"));
    await cp(HOST_FOLDER, join(folder, "host"), { recursive: true });
    await writeFile(join(folder, "package.json"), `{"type":"module"}`);
    await writeFile(join(folder, "runner.js"), runnerText(name, options.comesUp ?? true));
    if (options.pins !== undefined) await writeFile(join(folder, "host/downloads.sh"), options.pins);
    for (const [path, text] of Object.entries(options.extra ?? {})) await writeFile(join(folder, path), text);
    const archive = `${folder}.tar.gz`;
    await create({ gzip: true, file: archive, cwd: folder }, await readdir(folder));
    const bytes = await readFile(archive);
    await rm(archive);
    const bundle = { sha256: sha256Of(bytes), key: `runner/${this.stack}/${name}.tar.gz` };
    if (options.upload !== false) await this.upload(bundle.key, bytes);
    if (options.unpacked === true) {
      await mkdir(join(this.root, "opt/kimtest/bundles"), { recursive: true });
      await cp(folder, join(this.root, "opt/kimtest/bundles", bundle.sha256), { recursive: true });
    }
    await rm(folder, { recursive: true });
    return bundle;
  }

  /** What a start of this bundle that came up leaves behind, without the seconds that the AWS CLI takes for it. */
  async haveStarted(name: string, profile: string): Promise<string> {
    const bundle = await this.deliver(name, { unpacked: true, upload: false });
    const marks = join(this.root, "var/lib/kimtest/bundles");
    await mkdir(marks, { recursive: true });
    await writeFile(join(marks, `${bundle.sha256}.good`), "");
    await writeFile(join(marks, "last-started"), `${bundle.sha256}\n`);
    await writeFile(join(this.root, "var/lib/kimtest/service.json"), this.settings(bundle, profile));
    return bundle.sha256;
  }

  async upload(key: string, bytes: Buffer): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes }));
  }

  settings(bundle: Bundle, profile: string): string {
    return JSON.stringify({
      version: 1,
      stack: this.stack,
      region: "us-east-1",
      s3_bucket: BUCKET,
      sns_topic: "arn:aws:sns:us-east-1:123456789012:topic",
      log_group: logGroupName(this.stack),
      bundle: { key: bundle.key, sha256: bundle.sha256 },
      profile,
    });
  }

  /** Points the service at a bundle, as a deployment does. */
  async pointAt(bundle: Bundle, profile = "embedded"): Promise<void> {
    await this.putParameter(this.settings(bundle, profile));
  }

  async putParameter(value: string): Promise<void> {
    const Name = serviceParameterName(this.stack);
    await this.#ssm.send(new PutParameterCommand({ Name, Type: "String", Overwrite: true, Value: value }));
  }

  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      ...this.#moto.env,
      PATH: `${join(this.root, "stubs")}:${this.#programs}:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: this.root,
      KIMTEST_ROOT: this.root,
      KIMTEST_PAUSE_SECONDS: "0",
      KIMTEST_SWAP_MEBIBYTES: "1",
      ...more,
    };
  }

  async run(path: string, parameters: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Result> {
    const result = await execa("bash", [path, ...parameters], {
      env: this.environment(more),
      extendEnv: false,
      reject: false,
      all: true,
      timeout: RUN_TIMEOUT_MS,
    });
    if (result.timedOut) throw new Error(`${path} did not end within ${String(RUN_TIMEOUT_MS)} ms: ${result.all}`);
    return { exitCode: result.exitCode, output: result.all };
  }

  bootstrap(more: Readonly<Record<string, string>> = {}): Promise<Result> {
    return this.run(join(HOST_FOLDER, "kimtest-bootstrap.sh"), ["run"], more);
  }

  get launcher(): string {
    return join(this.root, "usr/local/lib/kimtest/kimtest-launch.sh");
  }

  /** One start of the service; the environment file is read by systemd there. */
  async launch(more: Readonly<Record<string, string>> = {}): Promise<Result> {
    return this.run(this.launcher, [], { ...this.serviceEnvironment(), ...more });
  }

  serviceEnvironment(): Record<string, string> {
    return {
      KIMTEST_STACK: this.stack,
      KIMTEST_REGION: "us-east-1",
      KIMTEST_PARAMETER: serviceParameterName(this.stack),
      KIMTEST_LOG_GROUP: logGroupName(this.stack),
    };
  }

  async lines(name: string): Promise<string[]> {
    try {
      return (await readFile(join(this.root, name), "utf8")).split("\n").filter((line) => line !== "");
    } catch {
      return [];
    }
  }

  /** Names of the runners that were started, in order. */
  async started(): Promise<string[]> {
    return (await this.lines("runs.txt")).map((line) => (JSON.parse(line) as { name: string }).name);
  }

  async remove(): Promise<void> {
    this.#s3.destroy();
    this.#ssm.destroy();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** A web server with these files; anything else is 404. */
export async function serve(
  files: Readonly<Record<string, Buffer>>,
): Promise<{ address: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const bytes = files[request.url ?? ""];
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes ?? "not here");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${String(port)}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
