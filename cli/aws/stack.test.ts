/** Finding a stack, against a real AWS emulator. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { GetParameterCommand, GetParametersByPathCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { startMoto, type Moto } from "../../test/aws/moto.ts";
import { findStack, targetOf } from "./stack.ts";
import { partsOf, putParameter, putStack } from "./stack.fixture.ts";

let moto: Moto;
beforeAll(async () => {
  moto = await startMoto();
});
afterAll(async () => {
  await moto.stop();
});
beforeEach(async () => {
  await moto.reset();
});

const never = new AbortController().signal;
const found = (choice: object, env: Record<string, string> = {}) =>
  findStack(choice, never, { AWS_REGION: "us-east-1", ...env });

describe("which stack", () => {
  test("the only one there is", async () => {
    await putStack("night");
    expect(await found({})).toEqual({ parts: partsOf("night"), target: { region: "us-east-1" } });
  });

  test("flag before environment before what is there", async () => {
    for (const stack of ["dev", "night", "prod"]) await putStack(stack);
    expect((await found({ stack: "prod" }, { KIMTEST_STACK: "night" })).parts.stack).toBe("prod");
    expect((await found({}, { KIMTEST_STACK: "night" })).parts.stack).toBe("night");
    expect((await found({ stack: "acme/kimtest/dev" })).parts.stack).toBe("dev");
  });

  test("several, and none named: they are listed", async () => {
    for (const stack of ["night", "dev"]) await putStack(stack);
    await expect(found({}, { KIMTEST_STACK: "" })).rejects.toMatchObject({
      code: "USAGE",
      message: "several stacks are deployed in us-east-1: dev, night",
      hint: "choose one with --stack or KIMTEST_STACK",
    });
  });

  test("more than one page of them", async () => {
    const names = Array.from({ length: 14 }, (_, index) => `s${String(index).padStart(2, "0")}`);
    for (const stack of names) await putStack(stack);
    await expect(found({})).rejects.toMatchObject({
      message: `several stacks are deployed in us-east-1: ${names.join(", ")}`,
    });
  });

  test("none at all", async () => {
    await putParameter("/kimtest/half/service", "{}");
    await putParameter("/kimtest/odd/deeper/stack", "{}");
    await expect(found({})).rejects.toMatchObject({
      code: "NOT_DEPLOYED",
      message: "no stack is deployed in us-east-1, as far as this account sees",
    });
  });

  test("one that is not there: those that are", async () => {
    await putStack("night");
    await expect(found({ stack: "dev" })).rejects.toMatchObject({
      code: "NOT_DEPLOYED",
      message: "stack dev is not deployed in us-east-1",
      hint: "deployed there: night; or look elsewhere with --region or --profile",
    });
  });

  test("one that is not there, for somebody who may not list (mocked: the emulator forbids nobody)", async () => {
    const denied = Object.assign(new Error("not authorized"), {
      name: "AccessDeniedException",
      $metadata: { httpStatusCode: 400 },
    });
    const mock = mockClient(SSMClient);
    mock.on(GetParameterCommand).rejects(new ParameterNotFound({ message: "", $metadata: {} }));
    mock.on(GetParametersByPathCommand).rejects(denied);
    try {
      await expect(found({ stack: "dev" })).rejects.toMatchObject({
        code: "NOT_DEPLOYED",
        hint: "which stacks are is not known (cannot list the stacks in us-east-1: AccessDeniedException: not authorized); look elsewhere with --region or --profile",
      });
    } finally {
      mock.restore();
    }
  });
});

describe("a parameter that cannot be trusted", () => {
  const table: [string, unknown, string][] = [
    ["no JSON", "{", "CORRUPT_DATA"],
    ["nothing in it", "{}", "CORRUPT_DATA"],
    ["a later version", { ...partsOf("dev"), version: 2 }, "CORRUPT_DATA"],
    ["another stack's", partsOf("prod"), "CORRUPT_DATA"],
    ["another region's", partsOf("dev", { region: "eu-west-1" }), "CORRUPT_DATA"],
  ];
  test.each(table)("%s", async (_, value, code) => {
    await putParameter("/kimtest/dev/stack", value);
    await expect(found({ stack: "dev" })).rejects.toMatchObject({ code });
  });

  test("what is wrong is named", async () => {
    await putParameter("/kimtest/dev/stack", { ...partsOf("dev"), log_group: "", purchase: "stolen" });
    await expect(found({})).rejects.toMatchObject({
      message: "the SSM parameter /kimtest/dev/stack is not as expected: purchase, log_group",
    });
  });
});

describe("where", () => {
  test("--region is another region", async () => {
    await putStack("far", { region: "eu-west-1" }, "eu-west-1");
    expect((await found({ region: "eu-west-1" })).target.region).toBe("eu-west-1");
    await expect(found({ stack: "far" })).rejects.toMatchObject({ code: "NOT_DEPLOYED" });
  });

  test("flag, AWS_REGION, AWS_DEFAULT_REGION", async () => {
    const env = { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-2" };
    expect((await targetOf({ region: "eu-west-3" }, env)).region).toBe("eu-west-3");
    expect((await targetOf({}, env)).region).toBe("eu-west-1");
    expect((await targetOf({}, { ...env, AWS_REGION: "" })).region).toBe("eu-west-2");
  });

  test("the profile's region, and without any us-east-1", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-aws-"));
    writeFileSync(join(folder, "config"), "[profile far]\nregion = ap-south-1\n[profile bare]\noutput = json\n");
    const { AWS_CONFIG_FILE: before, AWS_REGION: region } = process.env;
    process.env["AWS_CONFIG_FILE"] = join(folder, "config");
    Reflect.deleteProperty(process.env, "AWS_REGION");
    try {
      expect(await targetOf({ profile: "far" }, {})).toEqual({ region: "ap-south-1", profile: "far" });
      expect((await targetOf({ profile: "bare" }, {})).region).toBe("us-east-1");
    } finally {
      process.env["AWS_CONFIG_FILE"] = before;
      process.env["AWS_REGION"] = region;
      rmSync(folder, { recursive: true });
    }
  });

  test.each(["useast1", "us-east-1.evil.example", ""])("%j is no region", async (region) => {
    await expect(targetOf({ region }, {})).rejects.toMatchObject({ code: "USAGE" });
  });
});
