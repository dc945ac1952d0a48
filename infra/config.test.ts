import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DEFAULTS, LOG_RETENTION_DAYS, readConfig } from "./config.ts";

const EMAIL = { "kimtest:alertEmail": "you@example.com" };

/** The problems, without the sentence above them. */
function problemsOf(config: Readonly<Record<string, string>>): string[] {
  try {
    readConfig(config);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    expect(code).toBe("USAGE");
    const [first, ...problems] = message.split("\n  ");
    expect(first).toBe("the configuration of this stack cannot be used:");
    return problems;
  }
  throw new Error(`accepted: ${JSON.stringify(config)}`);
}

test("an e-mail address alone gives the defaults of the first infrastructure", () => {
  expect(readConfig(EMAIL)).toEqual({
    alertEmail: "you@example.com",
    instanceType: "c7g.xlarge",
    architecture: "arm64",
    volumeSize: 60,
    runDurationHours: 48,
    enableFuzzing: true,
    enableFormalVerification: true,
    enableBenchmarks: true,
    purchase: "spot",
    spotMaxPrice: "",
    githubRepo: "https://github.com/kimberlitedb/kimberlite.git",
    githubBranch: "main",
    region: "us-east-1",
    availabilityZone: "",
    profile: "kimberlite",
    seedOffset: 0n,
    voprFlags: [],
    logRetentionDays: 7,
    monthlyBudgetUsd: 60,
    keepResults: true,
    adoptBucket: false,
    machineGeneration: 1,
  });
});

test("every key takes another value than its default", () => {
  const other = {
    "kimtest:alertEmail": "team@example.org",
    "kimtest:instanceType": "c6i.large",
    "kimtest:volumeSize": "1000",
    "kimtest:runDurationHours": "1",
    "kimtest:enableFuzzing": "false",
    "kimtest:enableFormalVerification": "false",
    "kimtest:enableBenchmarks": "false",
    "kimtest:purchase": "spot",
    "kimtest:spotMaxPrice": "0.0845",
    "kimtest:githubRepo": "https://git.example.org/team/database",
    "kimtest:githubBranch": "feature/vsr-2",
    "kimtest:region": "eu-central-1",
    "kimtest:availabilityZone": "eu-central-1c",
    "kimtest:profile": "embedded",
    "kimtest:seedOffset": "18446744073709551615",
    "kimtest:voprFlags": '["--scenario","combined"]',
    "kimtest:logRetentionDays": "3653",
    "kimtest:monthlyBudgetUsd": "0",
    "kimtest:keepResults": "false",
    "kimtest:adoptBucket": "true",
    "kimtest:machineGeneration": "2",
  };
  expect(Object.keys(other)).toEqual(expect.arrayContaining(Object.keys(DEFAULTS).map((key) => `kimtest:${key}`)));
  expect(readConfig(other)).toMatchObject({
    architecture: "x86_64",
    seedOffset: 18446744073709551615n,
    voprFlags: ["--scenario", "combined"],
    spotMaxPrice: "0.0845",
    logRetentionDays: 3653,
    monthlyBudgetUsd: 0,
  });
  expect(readConfig({ ...EMAIL, "kimtest:purchase": "on-demand" }).purchase).toBe("on-demand");
});

test("keys of others are theirs", () => {
  expect(() => readConfig({ ...EMAIL, "aws:region": "us-west-2", "kimtestx:volumeSize": "x" })).not.toThrow();
});

describe("a bad value is named with its key and what to type", () => {
  test.each([
    [
      "alertEmail",
      "",
      "is not set, but must be an e-mail address that you can read: pulumi config set kimtest:alertEmail you@example.com",
    ],
    [
      "alertEmail",
      "nobody",
      'is "nobody", but must be an e-mail address that you can read: pulumi config set kimtest:alertEmail you@example.com',
    ],
    [
      "instanceType",
      "mac2.metal",
      'is "mac2.metal", but must be an EC2 instance type with Linux on a Graviton, Intel or AMD processor: pulumi config set kimtest:instanceType c7g.xlarge',
    ],
    [
      "volumeSize",
      "29",
      'is "29", but must be a whole number from 30 to 1000 (GiB): pulumi config set kimtest:volumeSize 60',
    ],
    [
      "volumeSize",
      "1001",
      'is "1001", but must be a whole number from 30 to 1000 (GiB): pulumi config set kimtest:volumeSize 60',
    ],
    [
      "volumeSize",
      "60.5",
      'is "60.5", but must be a whole number from 30 to 1000 (GiB): pulumi config set kimtest:volumeSize 60',
    ],
    [
      "runDurationHours",
      "0",
      'is "0", but must be a whole number from 1 to 168 (hours): pulumi config set kimtest:runDurationHours 48',
    ],
    [
      "runDurationHours",
      "169",
      'is "169", but must be a whole number from 1 to 168 (hours): pulumi config set kimtest:runDurationHours 48',
    ],
    ["enableFuzzing", "yes", 'is "yes", but must be true or false: pulumi config set kimtest:enableFuzzing true'],
    [
      "enableFormalVerification",
      "1",
      'is "1", but must be true or false: pulumi config set kimtest:enableFormalVerification true',
    ],
    [
      "enableBenchmarks",
      "True",
      'is "True", but must be true or false: pulumi config set kimtest:enableBenchmarks true',
    ],
    ["purchase", "reserved", 'is "reserved", but must be spot or on-demand: pulumi config set kimtest:purchase spot'],
    [
      "spotMaxPrice",
      "-1",
      'is "-1", but must be USD per hour such as 0.08, or "" for the on-demand price: pulumi config set kimtest:spotMaxPrice 0.08',
    ],
    [
      "spotMaxPrice",
      "0.0",
      'is "0.0", but must be USD per hour such as 0.08, or "" for the on-demand price: pulumi config set kimtest:spotMaxPrice 0.08',
    ],
    [
      "githubRepo",
      "git@github.com:a/b.git",
      'is "git@github.com:a/b.git", but must be the https address of a git repository, without a user name: pulumi config set kimtest:githubRepo https://github.com/kimberlitedb/kimberlite.git',
    ],
    [
      "githubRepo",
      "https://user:secret@example.org/a",
      'is "https://user:secret@example.org/a", but must be the https address of a git repository, without a user name: pulumi config set kimtest:githubRepo https://github.com/kimberlitedb/kimberlite.git',
    ],
    [
      "githubBranch",
      "--upload-pack=x",
      'is "--upload-pack=x", but must be the name of a branch: pulumi config set kimtest:githubBranch main',
    ],
    [
      "githubBranch",
      "a..b",
      'is "a..b", but must be the name of a branch: pulumi config set kimtest:githubBranch main',
    ],
    [
      "region",
      "virginia",
      'is "virginia", but must be an AWS region such as us-east-1: pulumi config set kimtest:region us-east-1',
    ],
    [
      "availabilityZone",
      "b",
      'is "b", but must be an availability zone such as us-east-1b, or "" for the first that offers the instance type: pulumi config set kimtest:availabilityZone us-east-1b',
    ],
    [
      "profile",
      "my-project.yaml",
      'is "my-project.yaml", but must be embedded or kimberlite: pulumi config set kimtest:profile kimberlite',
    ],
    ["profile", "../x", 'is "../x", but must be embedded or kimberlite: pulumi config set kimtest:profile kimberlite'],
    [
      "seedOffset",
      "18446744073709551616",
      'is "18446744073709551616", but must be a whole number from 0 to 18446744073709551615: pulumi config set kimtest:seedOffset 0',
    ],
    [
      "seedOffset",
      "-1",
      'is "-1", but must be a whole number from 0 to 18446744073709551615: pulumi config set kimtest:seedOffset 0',
    ],
    [
      "voprFlags",
      "--scenario",
      `is "--scenario", but must be a JSON array of at most 20 flags of at most 100 characters: pulumi config set kimtest:voprFlags '["--check-determinism"]'`,
    ],
    [
      "voprFlags",
      JSON.stringify(Array(21).fill("-v")),
      `is "${JSON.stringify(Array(21).fill("-v"))}", but must be a JSON array of at most 20 flags of at most 100 characters: pulumi config set kimtest:voprFlags '["--check-determinism"]'`,
    ],
    [
      "logRetentionDays",
      "8",
      `is "8", but must be one of ${LOG_RETENTION_DAYS.join(", ")} (days): pulumi config set kimtest:logRetentionDays 7`,
    ],
    [
      "monthlyBudgetUsd",
      "100001",
      'is "100001", but must be a whole number from 0 to 100000 (USD; 0 for no budget): pulumi config set kimtest:monthlyBudgetUsd 60',
    ],
    ["keepResults", "", "is not set, but must be true or false: pulumi config set kimtest:keepResults true"],
    ["adoptBucket", "no", 'is "no", but must be true or false: pulumi config set kimtest:adoptBucket false'],
    [
      "machineGeneration",
      "0",
      'is "0", but must be a whole number from 1 to 9999: pulumi config set kimtest:machineGeneration 1',
    ],
  ])("%s %j", (key, value, problem) => {
    expect(problemsOf({ ...EMAIL, [`kimtest:${key}`]: value })).toEqual([`kimtest:${key} ${problem}`]);
  });

  test("an unknown key, with what was probably meant", () => {
    expect(
      problemsOf({ ...EMAIL, "kimtest:volumesize": "80", "kimtest:enableFuzing": "false", "kimtest:colour": "red" }),
    ).toEqual([
      "kimtest:volumesize is no key of this project; did you mean kimtest:volumeSize? pulumi config rm kimtest:volumesize",
      "kimtest:enableFuzing is no key of this project; did you mean kimtest:enableFuzzing? pulumi config rm kimtest:enableFuzing",
      "kimtest:colour is no key of this project: pulumi config rm kimtest:colour",
    ]);
  });

  test("what is right alone and wrong together", () => {
    expect(problemsOf({ ...EMAIL, "kimtest:purchase": "on-demand", "kimtest:spotMaxPrice": "0.1" })).toEqual([
      'kimtest:spotMaxPrice is "0.1", but kimtest:purchase is on-demand: pulumi config rm kimtest:spotMaxPrice',
    ]);
    expect(problemsOf({ ...EMAIL, "kimtest:region": "eu-west-1", "kimtest:availabilityZone": "us-east-1a" })).toEqual([
      'kimtest:availabilityZone is "us-east-1a", but must be in eu-west-1: pulumi config set kimtest:availabilityZone eu-west-1a',
    ]);
  });

  test("all problems at once", () => {
    const problems = problemsOf({ "kimtest:volumeSize": "x", "kimtest:region": "x", "kimtest:typo": "x" });
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
      "kimtest:typo",
      "kimtest:alertEmail",
      "kimtest:volumeSize",
      "kimtest:region",
    ]);
  });
});

test("every seed survives, to its last digit", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (seed) => {
      expect(readConfig({ ...EMAIL, "kimtest:seedOffset": seed.toString() }).seedOffset).toBe(seed);
    }),
  );
});

test("Pulumi.yaml has the same keys and defaults, each described", () => {
  const yaml = createRequire(import.meta.url)("js-yaml") as { load: (text: string) => unknown };
  const project = yaml.load(readFileSync(new URL("../Pulumi.yaml", import.meta.url), "utf8")) as {
    config: Record<string, { type: string; default: unknown; description: string }>;
  };
  const inProject = Object.entries(project.config).map(([key, { default: value }]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  expect(Object.fromEntries(inProject)).toEqual(DEFAULTS);
  for (const [key, { description, type }] of Object.entries(project.config)) {
    expect([key, description.length > 10, type.length > 0]).toEqual([key, true, true]);
  }
});
