/** A checkout with a Pulumi.yaml, and a stand-in for the Pulumi CLI on PATH (why: test/fake-pulumi.js). */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach } from "@jest/globals";

const STAND_IN = fileURLToPath(new URL("../../test/fake-pulumi.js", import.meta.url));

export interface StandInAnswer {
  readonly when: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
  readonly sleepMs?: number;
  /** Answers that are others from now on. */
  readonly rename?: Readonly<Record<string, Partial<StandInAnswer>>>;
  /** Unsigned requests to the AWS emulator: what the real CLI's provider would do. */
  readonly fetch?: readonly Readonly<Record<string, string>>[];
}

export const OUTPUTS = {
  dashboard_url:
    "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/kimtest-dev",
  instance_id: "i-0123456789abcdef0",
  log_group: "kimtest-dev-logs",
  region: "us-east-1",
  s3_bucket: "kimtest-dev-123456789012-us-east-1",
  sns_topic: "arn:aws:sns:us-east-1:123456789012:kimtest-dev-alerts",
  stack_parameter: "/kimtest/dev/stack",
};

export const EMAIL = "somebody@kimberlite.dev";

/** What the real CLI says when all is well; `config --json` also tells the defaults of Pulumi.yaml. */
export const GOOD: readonly StandInAnswer[] = [
  { when: "version", stdout: "v3.265.0\n" },
  {
    when: "whoami",
    stdout: '{"user":"somebody","organizations":["somebody"],"url":"https://app.pulumi.com/somebody"}\n',
  },
  { when: "config set" },
  { when: "config rm" },
  {
    when: "config --json",
    stdout: JSON.stringify({
      "kimtest:alertEmail": { value: EMAIL, secret: false },
      "kimtest:region": { value: "us-east-1", secret: false },
      "kimtest:voprFlags": { value: "[]", objectValue: [], secret: false },
    }),
  },
  { when: "output --json", stdout: JSON.stringify(OUTPUTS) },
  { when: "up", stdout: "Updating (dev):\nResources:\n    + 31 created\n" },
  { when: "preview", stdout: "Previewing update (dev):\n" },
  { when: "destroy", stdout: "Destroying (dev):\n" },
];

export const NO_STACK: StandInAnswer = {
  when: "config --json",
  stderr: "error: no stack named 'dev' found\n",
  code: 255,
};

let undo: (() => void)[] = [];
afterEach(() => {
  for (const one of undo.reverse()) one();
  undo = [];
});

export class Checkout {
  readonly folder = mkdtempSync(join(tmpdir(), "kimtest-checkout-"));
  readonly #standIn = join(this.folder, "stand-in");
  readonly #programs = join(this.folder, "programs");

  /** Makes this process stand in it, with the stand-in first on PATH; put back after the test. */
  constructor(answers: readonly StandInAnswer[] = GOOD) {
    undo.push(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
    mkdirSync(this.#standIn);
    mkdirSync(this.#programs);
    symlinkSync(process.execPath, join(this.#programs, "node"));
    copyFileSync(STAND_IN, join(this.#programs, "pulumi"));
    chmodSync(join(this.#programs, "pulumi"), 0o755);
    this.write("programs/package.json", '{ "type": "module" }');
    this.write("Pulumi.yaml", 'name: kimtest\nruntime: nodejs\nrequiredPulumiVersion: ">=3.200.0"\n');
    this.write("package.json", '{ "engines": { "node": ">=22.18" } }');
    this.write("node_modules/@pulumi/pulumi/package.json", "{}");
    this.write("node_modules/@pulumi/aws/package.json", "{}");
    this.answer(answers);
    const before = process.cwd();
    process.chdir(this.folder);
    undo.push(() => {
      process.chdir(before);
    });
    this.env("PULUMI_STAND_IN", this.#standIn);
    this.env("PATH", [this.#programs, process.env["PATH"] ?? ""].join(delimiter));
    this.env("PULUMI_CONFIG_PASSPHRASE", undefined);
    this.env("PULUMI_CONFIG_PASSPHRASE_FILE", undefined);
  }

  /** Earlier answers win. */
  answer(answers: readonly StandInAnswer[]): void {
    this.write("stand-in/answers.json", JSON.stringify(answers));
  }

  /** Only what is named, and nothing else of this machine. */
  onlyPrograms(): void {
    this.env("PATH", this.#programs);
  }

  removeProgram(name: string): void {
    rmSync(join(this.#programs, name));
  }

  env(name: string, value: string | undefined): void {
    const before = process.env[name];
    const set = (to: string | undefined): void => {
      if (to === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = to;
    };
    set(value);
    undo.push(() => {
      set(before);
    });
  }

  write(name: string, text: string): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  remove(name: string): void {
    rmSync(join(this.folder, name), { recursive: true });
  }

  /** What the stand-in noted: its calls, and signals. */
  notes(): unknown[] {
    const path = join(this.#standIn, "calls.jsonl");
    if (!existsSync(path)) return [];
    // Read while the stand-in writes: what follows the last newline is not whole yet.
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as unknown);
  }

  /** The calls that change something, as typed. */
  changes(): string[] {
    return this.notes()
      .flatMap((note) => (note as { args?: string[] }).args?.join(" ") ?? [])
      .filter((line) => !/^(?:version|whoami|config --json|stack output) ?/.test(line));
  }
}
