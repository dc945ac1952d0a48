import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hasToolchain, rustupHome } from "./rustup.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "kimtest-rustup-"));
  for (const name of ["1.88.0-x86_64-unknown-linux-gnu", "nightly-2026-05-28-aarch64-unknown-linux-gnu", "mine"])
    mkdirSync(join(home, "toolchains", name), { recursive: true });
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

test.each([
  ["1.88.0", true],
  ["1.88.0-x86_64-unknown-linux-gnu", true],
  ["nightly-2026-05-28", true],
  ["mine", true],
  // Other toolchains to rustup, whatever is in them.
  ["1.88", false],
  ["nightly", false],
  ["min", false],
])("%s: %j", async (name, expected) => {
  expect(await hasToolchain(home, name)).toBe(expected);
});

test("without rustup there is none", async () => {
  expect(await hasToolchain(join(home, "nowhere"), "1.88.0")).toBe(false);
  expect(rustupHome({ HOME: "/home/a" })).toBe("/home/a/.rustup");
  expect(rustupHome({ HOME: "/home/a", RUSTUP_HOME: "/opt/rustup" })).toBe("/opt/rustup");
});
