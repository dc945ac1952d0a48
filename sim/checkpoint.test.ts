import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { KimtestError } from "../contracts/errors.ts";
import { MAX_FAILED_SEEDS, advance, emptyCheckpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-checkpoint-"));
  path = join(folder, "checkpoint.json");
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the checkpoint file", () => {
  test("keeps every digit and leaves nothing else behind", () => {
    const checkpoint = advance(emptyCheckpoint(), 2n ** 64n - 1n, 10, [2n ** 60n + 1n]);
    saveCheckpoint(path, checkpoint, new Date(0));
    expect(readFileSync(path, "utf8")).toContain('"last_seed": 18446744073709551615');
    expect(readFileSync(path, "utf8")).toContain('"last_update": "1970-01-01T00:00:00.000Z"');
    expect(loadCheckpoint(path)).toEqual(checkpoint);
    expect(readdirSync(folder)).toEqual(["checkpoint.json"]);
  });

  test("a missing file is none", () => {
    expect(loadCheckpoint(path)).toBe(undefined);
  });

  test.each([
    ["", "is no checkpoint"],
    ["{", "is no checkpoint"],
    ["[]", "is no checkpoint"],
    ["{}", "failed_seeds is no list|last_seed is no seed"],
    ['{"last_seed":-1,"total_iterations":0,"total_failures":0,"failed_seeds":[]}', "last_seed is no seed"],
    ['{"last_seed":1.5,"total_iterations":0,"total_failures":0,"failed_seeds":[]}', "last_seed is no seed"],
    ['{"last_seed":1,"total_iterations":"0","total_failures":0,"failed_seeds":[]}', "total_iterations is no count"],
    ['{"last_seed":1,"total_iterations":0,"total_failures":0,"failed_seeds":["1"]}', "failed_seeds is no seed"],
  ])("%j is an error and stays as it is", (text, message) => {
    writeFileSync(path, text);
    let error: unknown;
    try {
      loadCheckpoint(path);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(KimtestError);
    expect((error as KimtestError).exitCode).toBe(2);
    expect((error as KimtestError).message).toMatch(new RegExp(message));
    expect((error as KimtestError).hint).toContain("it was not touched");
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("a folder that does not exist is an error", () => {
    expect(() => {
      saveCheckpoint(join(folder, "no", "file.json"), emptyCheckpoint(), new Date(0));
    }).toThrow("cannot be written");
  });
});

describe("advance", () => {
  test("totals grow, failed seeds are kept once, the newest last", () => {
    const first = advance(emptyCheckpoint(), 9n, 10, [3n, 5n]);
    const second = advance(first, 19n, 10, [3n]);
    expect(second).toEqual({ lastSeed: 19n, totalIterations: 20, totalFailures: 3, failedSeeds: [5n, 3n] });
  });

  test("running an old seed again does not undo progress", () => {
    expect(advance(advance(emptyCheckpoint(), 99n, 100, []), 7n, 1, []).lastSeed).toBe(99n);
  });

  test("failed seeds are bounded", () => {
    const many = Array.from({ length: MAX_FAILED_SEEDS + 5 }, (_, index) => BigInt(index));
    const { failedSeeds } = advance(emptyCheckpoint(), 0n, 1, many);
    expect([failedSeeds.length, failedSeeds[0], failedSeeds.at(-1)]).toEqual([MAX_FAILED_SEEDS, 5n, many.at(-1)]);
  });
});
