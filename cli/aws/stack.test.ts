/** Finding a stack, against a real AWS emulator. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { GetParameterCommand, GetParametersByPathCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { choose, type StackChoice } from "../choice.ts";
import { Checkout, GOOD, OUTPUTS } from "../infra/checkout.fixture.ts";
import { findStack, targetOf } from "./stack.ts";
import { partsOf, putParameter, putStack } from "./stack.fixture.ts";

motoOfFile({ forgets: true });

const never = new AbortController().signal;
const found = (choice: StackChoice, env: Record<string, string> = {}, folder = tmpdir()) =>
  findStack(choice, never, { env: { AWS_REGION: "us-east-1", ...env }, folder });
const regionOf = async (choice: StackChoice, env: Record<string, string>): Promise<string> =>
  (await targetOf(choose(choice, env, undefined))).region;

describe("which stack", () => {
  test("the only one there is", async () => {
    await putStack("night");
    expect(await found({})).toEqual({
      parts: partsOf("night"),
      target: { region: "us-east-1" },
      by: "the only one in us-east-1",
    });
  });

  test("flag before environment before what is there", async () => {
    for (const stack of ["dev", "night", "prod"]) await putStack(stack);
    const flag = await found({ stack: "prod" }, { KIMTEST_STACK: "night" });
    expect([flag.parts.stack, flag.by]).toEqual(["prod", "--stack"]);
    const variable = await found({}, { KIMTEST_STACK: "night" });
    expect([variable.parts.stack, variable.by]).toEqual(["night", "KIMTEST_STACK"]);
    expect((await found({ stack: "acme/kimtest/dev" })).parts.stack).toBe("dev");
  });

  test("several, and none named: they are listed", async () => {
    for (const stack of ["night", "dev"]) await putStack(stack);
    await expect(found({}, { KIMTEST_STACK: "" })).rejects.toMatchObject({
      code: "USAGE",
      message: "several stacks are deployed in us-east-1: dev, night",
      hint: "choose one with --stack, KIMTEST_STACK or kimtest.json",
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

describe("the stack that Pulumi has selected here", () => {
  const outputs = (change: object) => [
    { when: "output --json", stdout: JSON.stringify({ ...OUTPUTS, ...change }) },
    ...GOOD,
  ];
  const elsewhere = { region: "eu-west-1", stack_parameter: "/kimtest/night/stack" };
  const withoutRegion = { AWS_REGION: "" };

  test("its name and its region; Pulumi is not asked when somebody has named one", async () => {
    for (const stack of ["dev", "night"]) await putStack(stack, { region: "eu-west-1" }, "eu-west-1");
    const { folder } = new Checkout(outputs(elsewhere));
    const { parts, target, by } = await found({}, withoutRegion, folder);
    expect([parts.stack, target.region, by]).toEqual(["night", "eu-west-1", "Pulumi"]);
  });

  test("what somebody has said is stronger, and Pulumi is not even asked for a name", async () => {
    await putStack("dev");
    await putStack("night");
    const checkout = new Checkout(outputs(elsewhere));
    expect((await found({ stack: "dev" }, {}, checkout.folder)).parts.stack).toBe("dev");
    checkout.write("kimtest.json", '{ "stack": "dev" }');
    const filed = await found({}, {}, checkout.folder);
    expect([filed.parts.stack, filed.by]).toEqual(["dev", join(checkout.folder, "kimtest.json")]);
    expect(checkout.notes()).toEqual([]);
  });

  test("not where AWS_REGION says: both are named", async () => {
    const { folder } = new Checkout(outputs(elsewhere));
    await expect(found({}, {}, folder)).rejects.toMatchObject({
      code: "NOT_DEPLOYED",
      message: "stack night is not deployed in us-east-1",
      hint: expect.stringMatching(/^Pulumi has selected it here, and says that it is in eu-west-1; /) as unknown,
    });
  });

  const failed = "error: no stack selected; please use `pulumi stack select` to choose one";
  const foreign = "the outputs of the selected stack are not those of a kimtest deployment";
  const table: [string, object[], string][] = [
    ["none is selected", [{ when: "output --json", stderr: failed, code: 255 }], failed],
    ["never deployed", [{ when: "output --json", stdout: "{}" }], foreign],
    [
      "another project's outputs",
      [{ when: "output --json", stdout: '{"instance_id":"i-1","s3_bucket":"b"}' }],
      foreign,
    ],
    ["hostile outputs", outputs({ stack_parameter: "/kimtest/../../x/stack" }), foreign],
    ["no JSON", [{ when: "output --json", stdout: "\u001b[2Jhello" }], foreign],
  ];
  test.each(table)("%s: passed over, and said when nothing else is found", async (_, answers, reason) => {
    const { folder } = new Checkout(answers as ConstructorParameters<typeof Checkout>[0]);
    await expect(found({}, {}, folder)).rejects.toMatchObject({
      code: "NOT_DEPLOYED",
      hint: expect.stringContaining(`; Pulumi tells of none here: ${reason}`) as unknown,
    });
    await putStack("prod");
    expect((await found({}, {}, folder)).by).toBe("the only one in us-east-1");
  });

  test("the project of somebody else is not asked at all", async () => {
    await putStack("prod");
    const checkout = new Checkout(outputs(elsewhere));
    checkout.write("Pulumi.yaml", "name: shop\nruntime: nodejs\n");
    expect((await found({}, {}, checkout.folder)).parts.stack).toBe("prod");
    expect(checkout.notes()).toEqual([]);
  });

  test("Pulumi is not installed", async () => {
    await putStack("prod");
    const checkout = new Checkout();
    checkout.onlyPrograms();
    checkout.removeProgram("pulumi");
    expect((await found({}, {}, checkout.folder)).parts.stack).toBe("prod");
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
    expect(await regionOf({ region: "eu-west-3" }, env)).toBe("eu-west-3");
    expect(await regionOf({}, env)).toBe("eu-west-1");
    expect(await regionOf({}, { ...env, AWS_REGION: "" })).toBe("eu-west-2");
  });

  test("the profile's region, and without any us-east-1", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-aws-"));
    writeFileSync(join(folder, "config"), "[profile far]\nregion = ap-south-1\n[profile bare]\noutput = json\n");
    const { AWS_CONFIG_FILE: before, AWS_REGION: region } = process.env;
    process.env["AWS_CONFIG_FILE"] = join(folder, "config");
    Reflect.deleteProperty(process.env, "AWS_REGION");
    try {
      const far = await targetOf(choose({ profile: "far" }, {}, undefined));
      expect(far).toEqual({ region: "ap-south-1", profile: "far" });
      expect(await regionOf({ profile: "bare" }, {})).toBe("us-east-1");
    } finally {
      process.env["AWS_CONFIG_FILE"] = before;
      process.env["AWS_REGION"] = region;
      rmSync(folder, { recursive: true });
    }
  });

  test.each(["useast1", "us-east-1.evil.example", ""])("%j is no region", async (region) => {
    await expect(regionOf({ region }, {})).rejects.toMatchObject({ code: "USAGE" });
  });
});
