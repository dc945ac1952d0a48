/** The service on a machine of one's own, as a real process: no AWS anywhere, a folder as its store. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { execa } from "execa";
import { digestSchema } from "../contracts/digest.ts";
import type { HostSettings } from "../contracts/host.ts";
import { stringifyJson } from "../contracts/json.ts";
import { WORK } from "../contracts/work-settings.fixture.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { fakeProfile } from "./fake-profile.ts";
import { startSystemdSocket, type SystemdSocket } from "./systemd-socket.ts";

const LONG_MS = 240_000;
const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

let folder: string;
let systemd: SystemdSocket;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kt-"));
  systemd = await startSystemdSocket(folder);
});
afterEach(async () => {
  await systemd.stop();
  rmSync(folder, { recursive: true, force: true });
});

function writeSettings(change: Partial<HostSettings> = {}): void {
  const profile = join(folder, "profile.json");
  writeFileSync(profile, stringifyJson(fakeProfile()));
  const settings: HostSettings = {
    ...WORK,
    version: 1,
    host: "plain",
    store: join(folder, "store"),
    profile,
    run_duration_hours: 10 / 3600,
    repo: null,
    branch: null,
    notify_command: null,
    ...change,
  };
  writeFileSync(join(folder, "settings.json"), stringifyJson(settings));
}

function run() {
  const state = join(folder, "state");
  const words = ["service", "run", "--settings", join(folder, "settings.json"), "--state", state];
  // Nothing of AWS: a request to it would hang in a machine without any, and be seen.
  const env = {
    ...systemd.env,
    AWS_ENDPOINT_URL: "http://127.0.0.1:9",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9",
  };
  const options = { env, reject: false, timeout: LONG_MS } as const;
  return execa(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...words], options);
}

const text = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");

test(
  "one cycle: digest in the folder, metrics in a file, the message handed to the owner's program",
  async () => {
    const mail = join(folder, "mail");
    writeFileSync(mail, `#!/bin/sh\n{ echo "subject: $2"; cat; } > "${folder}/mailbox"\n`);
    chmodSync(mail, 0o755);
    writeSettings({ notify_command: [mail, "-s", "{subject}"] });
    const { exitCode, stderr } = await run();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const digest = decodeJson(text("store", "digests", "latest.json"), "the digest", digestSchema);
    expect(digest).toMatchObject({ cycle: 1, verdict: "passed" });
    expect(text("mailbox")).toMatch(/^subject: .*cycle 1.*\nkimtest cycle 1: PASSED\n/);
    expect(text("state", "messages.log")).toMatch(/^--- \S+ digest: .*\nkimtest cycle 1: PASSED\n/);
    const counted = text("state", "metrics.jsonl")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { values: Record<string, number> }).values);
    const sum = (name: string): number => counted.reduce((total, values) => total + (values[name] ?? 0), 0);
    expect(sum("RunnerStarted")).toBe(1);
    expect(sum("DigestUploaded")).toBe(1);
    expect(sum("CycleCompleted")).toBe(1);
    expect(sum("IterationsCompleted")).toBe(digest.vopr.iterations);
    expect(systemd.received).toContain("READY=1");
  },
  LONG_MS,
);

test(
  "a program that does not take the message: the digest waits and is tried again by the next process",
  async () => {
    writeSettings({ notify_command: ["/bin/false"] });
    expect((await run()).exitCode).toBe(0);
    expect(text("state", "messages.log")).toBe("");
    expect(text("state", "runner.log")).toContain("did not take the message");
    // Settings that changed do not wait for their turn.
    writeSettings({ notify_command: ["sh", "-c", `cat >> ${folder}/mailbox`] });
    expect((await run()).exitCode).toBe(0);
    const cycles = [...text("mailbox").matchAll(/^kimtest cycle (\d): /gm)].map(([, cycle]) => cycle);
    expect(cycles).toEqual(["1", "2"]);
  },
  LONG_MS,
);

test("settings that are wrong are named with their key", async () => {
  writeSettings({ store: "" });
  const { exitCode, stderr } = await run();
  expect(exitCode).toBe(2);
  expect(stderr).toContain("store: ");
  expect(stderr).toContain("docs/schemas/HostSettings.json");
});
