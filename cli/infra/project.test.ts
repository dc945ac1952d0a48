/** What is read of a checkout, and how versions and addresses are judged: pure. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Checkout } from "./checkout.fixture.ts";
import { isPlaceholder } from "./prerequisites.ts";
import { findProject, isAtLeast, lowestOf } from "./project.ts";

test.each([
  ["v3.265.0", "3.200.0", true],
  ["v3.200.0", "3.200.0", true],
  ["v3.199.9", "3.200.0", false],
  ["v4.0.0", "3.200.0", true],
  ["v2.999.999", "3.200.0", false],
  ["v3.200.0-alpha.1", "3.200", true],
  ["v24.0.0", "22.18", true],
  ["v22.17.9", "22.18", false],
  ["", "1", false],
  ["dev", "1", false],
])("%j is at least %s: %s", (version, needed, expected) => {
  expect(isAtLeast(version, needed)).toBe(expected);
});

test.each([
  [">=3.200.0", "3.200.0"],
  [">= v3.1", "3.1"],
  ["^3.1.0", undefined],
  ["", undefined],
  [undefined, undefined],
])("lowest of %j: %s", (range, expected) => {
  expect(lowestOf(range)).toBe(expected);
});

test.each([
  ["you@example.com", true],
  ["YOU@Mail.EXAMPLE.org", true],
  ["a@b.invalid", true],
  ["somebody", true],
  ["two words@x.dev", true],
  ["somebody@kimberlite.dev", false],
  ["a@notexample.com", false],
  ["a@example.com.au", false],
  ["[secret]", false],
])("%s reaches nobody: %s", (email, expected) => {
  expect(isPlaceholder(email)).toBe(expected);
});

test("found from a folder below it", () => {
  const { folder } = new Checkout();
  expect(findProject(join(folder, "node_modules", "@pulumi"))).toEqual({
    folder,
    name: "kimtest",
    pulumiNeeded: "3.200.0",
    nodeNeeded: "22.18",
    hasModules: true,
  });
});

test("a Pulumi.yaml without a version, with comments and quotes", () => {
  const checkout = new Checkout();
  checkout.write("Pulumi.yaml", '# name: other\nname: "kimtest" # ours\nruntime:\n  name: nodejs\n');
  expect(findProject(checkout.folder)).toMatchObject({ name: "kimtest", pulumiNeeded: undefined });
});

test("outside of a checkout", () => {
  const checkout = new Checkout();
  checkout.remove("Pulumi.yaml");
  expect(() => findProject(checkout.folder)).toThrow(
    expect.objectContaining({ code: "USAGE", message: `there is no Pulumi.yaml in ${checkout.folder} or above it` }),
  );
});
