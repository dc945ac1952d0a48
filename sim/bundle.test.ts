import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { decodeBundle } from "./bundle-reader.ts";
import { encodeBundle, type Bundle } from "./bundle.ts";

const PROGRAM = fileURLToPath(new URL("vopr.ts", import.meta.url));
const BUNDLE: Bundle = {
  seed: 18446744073709551615n,
  scenario: "combined",
  flags: ["--scenario", "combined"],
  failure: { invariant: "vsr_agreement", message: "two differ" },
  events: 7,
  simulated_time_us: 1234,
  trace: [{ seq: 0, time_us: 0, type: "SimulationStart" }],
};

describe("the format", () => {
  test("what is written is read", () => {
    expect(decodeBundle(encodeBundle(BUNDLE), "x")).toEqual(BUNDLE);
  });

  test("any changed byte is an error", () => {
    const bytes = encodeBundle(BUNDLE);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 1;
      expect(() => decodeBundle(changed, "x.kmb")).toThrow(/^x\.kmb (is no bundle|has version|is damaged)/);
    }
    expect(() => decodeBundle(bytes.subarray(0, 20), "x.kmb")).toThrow("x.kmb is no bundle of this program");
  });
});

describe("the program", () => {
  let folder: string;
  let path: string;
  const vopr = (...argv: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [PROGRAM, ...argv], { encoding: "utf8" });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kimtest-bundle-"));
    expect(vopr("--scenario", "leader-race", "--seed", "5", "-n", "1", "--bundle-out", folder).status).toBe(1);
    expect(readdirSync(folder)).toEqual(["vsr_prefix_property-byzantine_leader_race-5.kmb"]);
    path = join(folder, readdirSync(folder)[0]!);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("repro: 1 when it fails the same way again", () => {
    const { status, stdout } = vopr("repro", path);
    expect([status, stdout]).toEqual([1, "reproduced: vsr_prefix_property\n"]);
  });

  test("repro: 0 when it does not", () => {
    const bundle = decodeBundle(readFileSync(path), path);
    const other = join(folder, "other.kmb");
    writeFileSync(other, encodeBundle({ ...bundle, flags: ["--scenario", "baseline"] }));
    const { status, stdout } = vopr("repro", other);
    expect([status, stdout]).toEqual([0, "not reproduced: seed 5 passed, the bundle has vsr_prefix_property\n"]);
  });

  test("repro: 2 when the bundle cannot be used", () => {
    const bad = join(folder, "bad.kmb");
    writeFileSync(bad, "something else");
    expect(vopr("repro", bad)).toMatchObject({ status: 2, stdout: "" });
    expect(vopr("repro", join(folder, "none.kmb")).status).toBe(2);
    expect(vopr("repro").status).toBe(2);
  });

  test("show says what is in it", () => {
    const { status, stdout } = vopr("show", path);
    expect(status).toBe(0);
    expect(stdout).toContain("seed 5, scenario byzantine_leader_race, flags --scenario leader-race\n");
    expect(stdout).toContain("again: npx kimtest vopr --seed 5 -n 1 --scenario leader-race -v\n");
  });
});
