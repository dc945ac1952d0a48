/**
 * The commands against stand-ins for systemctl and journalctl, for there is no systemd in a test's machine:
 * scripts that note how they were called. The unit itself is checked by systemd's own tools in unit.test.ts, and
 * what it starts runs for real in test/plain-service.test.ts.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { parseJson } from "../../contracts/json.ts";
import { kimtest } from "../fake-deps.fixture.ts";
import { install } from "../service/install.ts";
import { layoutOf, type Layout } from "../service/layout.ts";

let home: string;
let layout: Layout;
let before: Record<string, string | undefined>;
const going = new AbortController().signal;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "kimtest-service-"));
  layout = layoutOf({ scope: "user", name: "kimtest", home });
  mkdirSync(join(home, "bin"));
  mkdirSync(join(home, "dist", "chunks"), { recursive: true });
  writeFileSync(join(home, "dist", "kimtest.js"), "// the program");
  writeFileSync(join(home, "dist", "chunks", "part.js"), "// a part of it");
  writeFileSync(join(home, "dist", "kimtest.js.map"), "not needed");
  before = { PATH: process.env["PATH"], HOME: process.env["HOME"] };
  process.env["PATH"] = `${join(home, "bin")}:${before["PATH"] ?? ""}`;
  process.env["HOME"] = home;
  program("systemctl", 'echo "$*" >> "$HOME/calls"; cat "$HOME/properties" 2>/dev/null || true');
});
afterEach(() => {
  for (const [name, value] of Object.entries(before)) process.env[name] = value ?? "";
  rmSync(home, { recursive: true, force: true });
});

function program(name: string, script: string): void {
  const path = join(home, "bin", name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

const calls = (): string[] => readFileSync(join(home, "calls"), "utf8").trim().split("\n");
const settings = (): unknown => parseJson(readFileSync(layout.settingsPath, "utf8"), "settings");
const how = (start = true) => ({ bundle: join(home, "dist"), start, stop: going });

test("install: program, settings, unit; enabled and started", async () => {
  const installed = await install(
    layout,
    { store: "s3://results", profile: "embedded", durationMs: 8 * 3_600_000 },
    how(),
  );
  expect(calls()).toEqual(["--user daemon-reload", "--user enable kimtest", "--user restart kimtest"]);
  expect(settings()).toMatchObject({
    host: "plain",
    store: "s3://results",
    profile: "embedded",
    run_duration_hours: 8,
  });
  const current = join(layout.programFolder, "current");
  expect(readlinkSync(current)).toBe(join(layout.programFolder, "releases", installed.release));
  expect(readFileSync(join(current, "chunks", "part.js"), "utf8")).toBe("// a part of it");
  expect(existsSync(join(current, "kimtest.js.map"))).toBe(false);
  expect(readFileSync(join(current, "kimtest-commit"), "utf8")).toBe("unversioned\n");
  expect(statSync(join(layout.programFolder, "node")).size).toBe(statSync(process.execPath).size);
  expect(statSync(layout.environmentPath).mode & 0o777).toBe(0o600);
  expect(readFileSync(layout.unitPath, "utf8")).toContain(`KIMTEST_BUNDLE=${installed.release}`);
});

test("install again: what is not asked for stays, the owner's variables are left alone; the release that runs is kept, and once a newer one runs two of them", async () => {
  const running = await install(
    layout,
    { store: join(home, "results"), profile: "embedded", notify: ["mail", "-s", "{subject}"] },
    how(),
  );
  writeFileSync(layout.environmentPath, "AWS_REGION=eu-west-1\n");
  const releases = new Set<string>();
  for (const version of [1, 2, 3]) {
    writeFileSync(join(home, "dist", "kimtest.js"), `// version ${String(version)}`);
    releases.add((await install(layout, {}, how(false))).release);
  }
  expect(releases.size).toBe(3);
  expect(settings()).toMatchObject({ store: join(home, "results"), notify_command: ["mail", "-s", "{subject}"] });
  expect(readFileSync(layout.environmentPath, "utf8")).toBe("AWS_REGION=eu-west-1\n");
  expect(readFileSync(join(layout.programFolder, "current", "kimtest.js"), "utf8")).toBe("// version 3");
  expect(calls().filter((call) => call.includes("restart"))).toHaveLength(1);
  const kept = (): string[] => readdirSync(join(layout.programFolder, "releases")).sort();
  expect(kept()).toEqual([running.release, ...releases].sort());
  const { release } = await install(layout, {}, how());
  expect(kept()).toHaveLength(2);
  expect(kept()).toContain(release);
});

test("bad input changes nothing", async () => {
  await expect(install(layout, { profile: "embeded" }, how())).rejects.toThrow('there is no profile "embeded"');
  await expect(install(layout, { profile: "embedded", branch: "x" }, how())).rejects.toThrow("has no repository");
  rmSync(join(home, "dist", "kimtest.js"));
  await expect(install(layout, { profile: "embedded" }, how())).rejects.toThrow("is not a whole build of kimtest");
  expect(existsSync(layout.unitPath)).toBe(false);
  expect(existsSync(layout.settingsPath)).toBe(false);
});

test("a systemd that refuses is quoted, with what to do", async () => {
  program("systemctl", 'echo "Failed to connect to bus: No medium found" >&2; exit 1');
  const refused = await install(layout, { profile: "embedded" }, how()).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: "TOOL_MISSING",
    message: "`systemctl --user daemon-reload` failed: Failed to connect to bus: No medium found",
    hint: expect.stringContaining("enable-linger") as unknown,
  });
});

test("status: running, not running, not installed", async () => {
  expect(await kimtest(["service", "status", "--user"])).toMatchObject({ exitCode: 4, stdout: "" });
  await install(layout, { store: "s3://results", profile: "embedded" }, how());
  const properties = (active: string) =>
    `LoadState=loaded\nActiveState=${active}\nSubState=running\nActiveEnterTimestamp=Sat 2026-11-21 10:00:00 UTC\n` +
    "StatusText=cycle 7, vopr: 12 seeds\u001b[31m\nNRestarts=2\n";
  writeFileSync(join(home, "properties"), properties("active"));
  const running = await kimtest(["service", "status", "--user"]);
  expect(running).toMatchObject({ exitCode: 0, stderr: "" });
  expect(running.stdout.split("\n").slice(0, 3)).toEqual([
    "kimtest: active (running) since Sat 2026-11-21 10:00:00 UTC",
    "  cycle 7, vopr: 12 seeds\\u{1b}[31m",
    "  profile embedded, store s3://results, 2 restarts",
  ]);
  writeFileSync(join(home, "properties"), properties("failed"));
  const failed = await kimtest(["service", "status", "--user", "--json"]);
  expect(failed.exitCode).toBe(6);
  expect(parseJson(failed.stdout, "status")).toMatchObject({ active_state: "failed", restarts: 2 });
});

test("logs: the runner's lines and systemd's, as infra-logs shows them", async () => {
  const entry = (from: string, message: unknown) =>
    JSON.stringify({
      __CURSOR: "c",
      __REALTIME_TIMESTAMP: "1795255200000000",
      SYSLOG_IDENTIFIER: from,
      MESSAGE: message,
    });
  const lines = [
    entry("node", '{"level":40,"time":"x","msg":"the phase \\u001b[31mended","phase":"vopr"}'),
    entry("systemd", "Started kimtest.service"),
    entry("node", [104, 105]),
    '{"cut',
  ];
  writeFileSync(join(home, "journal"), `${lines.join("\n")}\n`);
  program("journalctl", 'echo "$*" > "$HOME/asked"; cat "$HOME/journal"');
  const ran = await kimtest(["service", "logs", "--user", "--since", "1h", "--no-follow"]);
  expect(ran).toEqual({
    exitCode: 0,
    stderr: "",
    stdout:
      '2026-11-21 10:00:00  runner      the phase \\u{1b}[31mended phase="vopr"\n' +
      "2026-11-21 10:00:00  systemd     Started kimtest.service\n" +
      "2026-11-21 10:00:00  runner      hi\n",
  });
  expect(readFileSync(join(home, "asked"), "utf8")).toBe(
    "--user --user-unit=kimtest --since=@1795255200 --output=json --no-pager --quiet\n",
  );
  program("journalctl", 'echo "No journal files were opened due to insufficient permissions." >&2; exit 1');
  const refused = await kimtest(["service", "logs", "--user", "--no-follow"]);
  expect(refused).toMatchObject({
    exitCode: 6,
    stderr: expect.stringContaining("insufficient permissions") as unknown,
  });
});

test("two installations at once: one is told to wait, and later is done", async () => {
  const choice = { store: "s3://results", profile: "embedded" };
  const ended = await Promise.allSettled([install(layout, choice, how()), install(layout, choice, how())]);
  expect(ended.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const [refused] = ended.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  expect(refused).toMatchObject({ code: "ALREADY_RUNNING" });
  await expect(install(layout, choice, how())).resolves.toMatchObject({ started: true });
});

test("uninstall: asked first; program and unit go, settings, state and results stay", async () => {
  await install(layout, { store: join(home, "results"), profile: "embedded" }, how());
  expect(await kimtest(["service", "uninstall", "--user"])).toMatchObject({ exitCode: 2 });
  const no = await kimtest(["service", "uninstall", "--user"], { ask: () => Promise.resolve("n") });
  expect(no.exitCode).toBe(130);
  expect(existsSync(layout.unitPath)).toBe(true);
  const done = await kimtest(["service", "uninstall", "--user", "--yes"]);
  expect(done).toMatchObject({ exitCode: 0, stderr: "" });
  expect(calls().slice(-2)).toEqual(["--user disable --now kimtest", "--user daemon-reload"]);
  expect([layout.unitPath, layout.programFolder].filter(existsSync)).toEqual([]);
  const kept = [layout.settingsPath, layout.environmentPath, layout.stateFolder, join(home, "results")];
  expect(kept.filter(existsSync)).toEqual(kept);
  expect(await kimtest(["service", "uninstall", "--user", "--yes"])).toMatchObject({ exitCode: 4 });
});
