import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { simulatorCommit } from "./commit.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-commit-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("whoever starts it knows best, then the file of the release, and else it is unknown", () => {
  const [none, file] = ["none", "kimtest-commit"].map((name) => pathToFileURL(join(folder, name))) as [URL, URL];
  writeFileSync(file, "0123abc\n");
  expect(simulatorCommit({ KIMTEST_COMMIT: " 4567def " }, file)).toBe("4567def");
  expect(simulatorCommit({ KIMTEST_COMMIT: "" }, file)).toBe("0123abc");
  expect(simulatorCommit({}, none)).toBe("unknown");
  expect(simulatorCommit({})).toBe("unknown");
});

test("a file that is there and cannot be read is no unknown commit", () => {
  expect(() => simulatorCommit({}, pathToFileURL(folder))).toThrow("EISDIR");
});
