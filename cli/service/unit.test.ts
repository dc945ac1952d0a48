/** The unit files, checked by systemd's own tools. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { execa } from "execa";
import { layoutOf, type Layout } from "./layout.ts";
import { unitText } from "./unit.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-unit-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const OPTIONS = { store: "/srv/results", release: "0123456789abcdef", groups: [] };

/** systemd-analyze wants the program to exist; so it does, in our folder. */
async function verify(layout: Layout, change: (text: string) => string = (text) => text) {
  const programFolder = join(folder, layout.programFolder);
  mkdirSync(programFolder, { recursive: true });
  writeFileSync(join(programFolder, "node"), "#!/bin/sh\n", { mode: 0o755 });
  const path = join(folder, `${layout.unit}.service`);
  writeFileSync(path, change(unitText({ ...layout, programFolder }, OPTIONS)));
  const flags = layout.scope === "user" ? ["--user"] : [];
  const env = { XDG_RUNTIME_DIR: folder };
  const options = { reject: false, all: true, env } as const;
  return execa("systemd-analyze", [...flags, "--man=no", "verify", path], options);
}

const SYSTEM = layoutOf({ scope: "system", name: "kimtest", home: "/root" });
const USER = layoutOf({ scope: "user", name: "nightly", home: "/home/ann" });

test.each([SYSTEM, USER])("systemd-analyze verify accepts the $scope's unit", async (layout) => {
  const { exitCode, all } = await verify(layout);
  expect({ exitCode, all }).toEqual({ exitCode: 0, all: "" });
});

test("and it would not accept a misspelt setting or a missing program", async () => {
  expect((await verify(SYSTEM, (text) => text.replace("WatchdogSec=", "WatchDogSeconds="))).all).toContain(
    "WatchDogSeconds",
  );
  expect((await verify(SYSTEM, (text) => text.replace("/node", "/nodes"))).exitCode).not.toBe(0);
});

test("the system's service is kept in a sandbox", async () => {
  const path = join(folder, "kimtest.service");
  writeFileSync(path, unitText(SYSTEM, OPTIONS));
  const { exitCode, stdout } = await execa(
    "systemd-analyze",
    ["security", "--offline=true", "--threshold=40", "--no-pager", path],
    { reject: false },
  );
  expect({ exitCode, last: stdout.split("\n").at(-1) }).toEqual({
    exitCode: 0,
    last: expect.stringMatching(/^→ Overall exposure level for kimtest.service: [0-3]\.\d /) as unknown,
  });
});

test("where everything lies", () => {
  expect(SYSTEM).toEqual({
    scope: "system",
    home: "/root",
    unit: "kimtest",
    unitPath: "/etc/systemd/system/kimtest.service",
    settingsPath: "/etc/kimtest/service.json",
    environmentPath: "/etc/kimtest/environment",
    programFolder: "/usr/local/lib/kimtest",
    stateFolder: "/var/lib/kimtest",
  });
  expect(USER).toMatchObject({
    unitPath: "/home/ann/.config/systemd/user/nightly.service",
    stateFolder: "/home/ann/.local/state/nightly",
  });
  expect(dirname(USER.settingsPath)).toBe("/home/ann/.config/nightly");
});

test.each(["", "Kimtest", "../x", "a b", "x".repeat(32)])("--name %p is refused", (name) => {
  expect(() => layoutOf({ scope: "system", name, home: "/root" })).toThrow(/^--name is/);
});

test("only the system's unit names a user, and docker only where it is", () => {
  const lines = (layout: Layout, groups: string[]) =>
    unitText(layout, { ...OPTIONS, groups })
      .split("\n")
      .filter((line) => /^(User|Group|SupplementaryGroups|WantedBy)=/.test(line));
  expect(lines(SYSTEM, ["docker"])).toEqual([
    "User=kimtest",
    "Group=kimtest",
    "SupplementaryGroups=docker",
    "WantedBy=multi-user.target",
  ]);
  expect(lines(SYSTEM, [])).toEqual(["User=kimtest", "Group=kimtest", "WantedBy=multi-user.target"]);
  expect(lines(USER, ["docker"])).toEqual(["WantedBy=default.target"]);
});

test("specifiers and variables of systemd in a path are taken literally", () => {
  const odd = layoutOf({ scope: "user", name: "kimtest", home: '/home/50% of $HOME "x"' });
  const start = unitText(odd, OPTIONS)
    .split("\n")
    .find((line) => line.startsWith("ExecStart="));
  expect(start).toContain('"/home/50%% of $$HOME \\"x\\"/.local/share/kimtest/node" "');
});
