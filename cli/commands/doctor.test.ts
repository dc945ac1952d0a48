/**
 * doctor on machines that lack this and that: programs on PATH are stand-ins, AWS is a real moto server. IAM's
 * simulation, which moto does not have, is a mocked client.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { parseJson } from "../../contracts/json.ts";
import { doctorReportSchema, type DoctorCheck } from "../../contracts/reports.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { principalOf, readDenied } from "../aws/permissions.ts";
import { partsOf, putStack } from "../aws/stack.fixture.ts";
import { NODE_NEEDED, nodeFinding, skewFinding, spaceFinding } from "../doctor/checks.ts";
import { fakeDeps, kimtest } from "../fake-deps.fixture.ts";
import { doctor } from "./doctor.ts";

const moto = motoOfFile();

let folder: string;
let path: string | undefined;
const iam = mockClient(IAMClient);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-doctor-"));
  mkdirSync(join(folder, "bin"));
  symlinkSync("/bin/sh", join(folder, "bin", "sh"));
  path = process.env["PATH"];
  process.env["PATH"] = join(folder, "bin");
  iam.reset();
  iam.on(SimulatePrincipalPolicyCommand).resolves({ EvaluationResults: [] });
});
afterEach(() => {
  process.env["PATH"] = path;
  rmSync(folder, { recursive: true });
});

/** A program on PATH that says this. */
const program = (name: string, script: string): void => {
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
};

interface Examined {
  readonly exitCode: number;
  readonly stderr: string;
  readonly checks: Readonly<Record<string, DoctorCheck>>;
}

/** `env`: what is said in the environment beside moto's. */
async function examined(
  options: Parameters<typeof doctor>[0] = {},
  env: Record<string, string> = {},
  change: { deadlineMs?: number; aheadMs?: number } = {},
): Promise<Examined> {
  const here = { folder, env: { ...moto().env, ...env } };
  const { deps, ran } = fakeDeps({ here, now: () => Date.now() + (change.aheadMs ?? 0) });
  await doctor({ ...options, json: true }, deps, change.deadlineMs ?? 30_000);
  const report = doctorReportSchema.parse(parseJson(ran.stdout, "stdout"));
  expect(report.faults).toBe(report.checks.filter(({ result }) => result === "fault").length);
  expect(report.warnings).toBe(report.checks.filter(({ result }) => result === "warning").length);
  return { ...ran, checks: Object.fromEntries(report.checks.map((check) => [check.name, check])) };
}

describe("programs", () => {
  test("none of them is there: warnings with what to install, and what for; exit code 0", async () => {
    const { checks, exitCode, stderr } = await examined();
    for (const name of ["git", "cargo", "docker", "session plugin"]) {
      expect(checks[name]).toMatchObject({ result: "warning", what: expect.stringMatching(/^there is no .* on PATH/) });
      expect(checks[name]?.fix).toMatch(/^install/);
    }
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^no faults, \d+ warnings\n$/);
  });

  test("there they are", async () => {
    program("git", "echo git version 2.39.5");
    program("cargo", "echo cargo 1.88.0");
    program("docker", "echo 27.1.1");
    program("session-manager-plugin", "echo 1.2.707.0");
    const { checks } = await examined();
    expect(checks).toMatchObject({
      git: { result: "ok", what: "git version 2.39.5", fix: null },
      cargo: { result: "ok", what: "cargo 1.88.0", fix: null },
      docker: { result: "ok", what: "27.1.1", fix: null },
      "session plugin": { result: "ok", what: "1.2.707.0", fix: null },
    });
  });

  test("one that fails is quoted, without what acts on a terminal", async () => {
    program("docker", "printf 'cannot connect\\033[2J to the daemon\\nmore' >&2; exit 1");
    const here = { folder, env: moto().env };
    const { deps, ran } = fakeDeps({ here, now: () => Date.now() });
    await doctor({}, deps);
    expect(ran.stdout).toMatch(
      /^warning {2}docker {11}docker does not work \(cannot connect\\u\{1b\}\[2J to the daemon\);/m,
    );
  });

  test("one that hangs has its deadline, and the others their answer", async () => {
    program("git", "exec /bin/sleep 60");
    program("cargo", "echo cargo 1.88.0");
    const { checks } = await examined({}, {}, { deadlineMs: 6_000 });
    expect(checks["git"]).toMatchObject({ result: "warning", what: "no answer within 6 s" });
    expect(checks["cargo"]).toMatchObject({ result: "ok" });
  });

  test("the Pulumi CLI as the checkout needs it", async () => {
    writeFileSync(join(folder, "Pulumi.yaml"), 'name: kimtest\nrequiredPulumiVersion: ">=3.200.0"\n');
    writeFileSync(join(folder, "package.json"), '{"engines":{"node":">=22.18"}}');
    expect((await examined()).checks["pulumi"]).toMatchObject({
      result: "warning",
      what: "the Pulumi CLI does not run: there is no pulumi on PATH; deploying needs it",
    });
    program("pulumi", "echo v3.100.0");
    expect((await examined()).checks["pulumi"]?.what).toMatch(/is v3.100.0, but must be 3.200.0 or later/);
    program("pulumi", "echo v3.212.0");
    expect((await examined()).checks["pulumi"]).toMatchObject({ result: "ok" });
  });
});

describe("AWS", () => {
  test("a stack, asked for or the only one: all is well", async () => {
    await putStack("dev");
    const { checks, exitCode } = await examined({ stack: "dev" });
    expect(checks).toMatchObject({
      "aws region": { result: "ok", what: "us-east-1 (AWS_REGION)" },
      "aws credentials": { result: "ok", what: expect.stringMatching(/^arn:aws:/) },
      "aws clock": { result: "ok" },
      stack: { result: "ok", what: "dev in us-east-1, machine i-0123456789abcdef0 (--stack)" },
      permissions: { result: "ok" },
    });
    expect(exitCode).toBe(0);
  });

  const NOBODY = { AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
  async function withoutAws<T>(work: () => Promise<T>): Promise<T> {
    process.env["AWS_ENDPOINT_URL"] = NOBODY.AWS_ENDPOINT_URL;
    try {
      return await work();
    } finally {
      process.env["AWS_ENDPOINT_URL"] = moto().endpoint;
    }
  }

  test("away, on a laptop: warnings, exit code 0", async () => {
    const { checks, exitCode } = await withoutAws(() => examined());
    for (const name of ["aws credentials", "aws clock", "stack", "permissions"]) {
      expect(checks[name]).toMatchObject({ result: "warning", fix: expect.stringContaining("network") });
    }
    expect(exitCode).toBe(0);
  }, 60_000);

  test.each([
    ["--stack", { stack: "dev" }, {}],
    ["--region", { region: "eu-west-1" }, {}],
    ["a bucket", { store: "s3://some-bucket" }, {}],
    ["KIMTEST_STACK", {}, { KIMTEST_STACK: "dev" }],
  ])(
    "away, and meant by %s: faults, exit code 1",
    async (_, options, env) => {
      const { checks, exitCode } = await withoutAws(() => examined(options, env));
      expect(checks["aws credentials"]).toMatchObject({ result: "fault" });
      expect(checks["git"]).toMatchObject({ result: "warning" });
      expect(exitCode).toBe(1);
    },
    60_000,
  );

  test("a stack that is not there", async () => {
    const { checks, exitCode } = await examined({ stack: "nope" });
    expect(checks["stack"]).toMatchObject({ result: "fault", what: "stack nope is not deployed in us-east-1" });
    expect(exitCode).toBe(1);
  });

  test("a clock that AWS would refuse, where nobody needs AWS: a warning", async () => {
    const { checks, exitCode } = await examined({}, {}, { aheadMs: 600_000 });
    expect(checks["aws clock"]).toMatchObject({ result: "warning", what: expect.stringContaining(" s ahead of AWS") });
    expect(exitCode).toBe(0);
  });

  test("a clock that AWS would refuse", async () => {
    const { checks } = await examined({ stack: "dev" }, {}, { aheadMs: 600_000 });
    expect(checks["aws clock"]).toMatchObject({
      result: "fault",
      what: expect.stringMatching(/^this machine is (59\d|6[01]\d) s ahead of AWS, which then refuses every request$/),
    });
  });
});

/** The seam: moto has no SimulatePrincipalPolicy. */
describe("permissions", () => {
  beforeEach(() => putStack("dev"));
  const deny = (...actions: string[]): void => {
    iam.on(SimulatePrincipalPolicyCommand).callsFake((input: { ActionNames: string[] }) => ({
      EvaluationResults: input.ActionNames.map((action) => ({
        EvalActionName: action,
        EvalDecision: actions.includes(action) ? "implicitDeny" : "allowed",
      })),
    }));
  };

  test.each([
    ["nothing is denied", [], "ok", 0],
    ["to manage the machine", ["ec2:StopInstances", "ssm:StartSession"], "warning", 0],
    ["to read", ["s3:GetObject"], "fault", 1],
  ] as const)("%s", async (_, denied, result, exitCode) => {
    deny(...denied);
    const ran = await examined({ stack: "dev" });
    expect(ran.checks["permissions"]?.result).toBe(result);
    for (const action of denied) expect(ran.checks["permissions"]?.what).toContain(action);
    expect(ran.exitCode).toBe(exitCode);
  });

  test("of this stack's own parts", async () => {
    deny();
    await examined({ stack: "dev" });
    const asked = iam
      .commandCalls(SimulatePrincipalPolicyCommand)
      .flatMap(({ args }) => args[0].input.ResourceArns ?? []);
    expect(asked).toEqual(
      expect.arrayContaining([
        "arn:aws:s3:::kimtest-dev-123456789012-us-east-1/*",
        "arn:aws:ssm:us-east-1:123456789012:parameter/kimtest/dev/stack",
        "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0",
        "arn:aws:logs:us-east-1:123456789012:log-group:kimtest-dev-logs:*",
      ]),
    );
  });

  test("the session of a role: its role is asked about", async () => {
    deny();
    const caller = { account: "123456789012", arn: "arn:aws:sts::123456789012:assumed-role/Dev/me" };
    const target = { region: "us-east-1", profile: undefined };
    await readDenied(caller, partsOf("dev"), target, new AbortController().signal);
    const asked = iam.commandCalls(SimulatePrincipalPolicyCommand).map(({ args }) => args[0].input.PolicySourceArn);
    expect(new Set(asked)).toEqual(new Set(["arn:aws:iam::123456789012:role/Dev"]));
  });

  test("that may not be simulated: said so", async () => {
    const refused = Object.assign(new Error("not authorized to perform iam:SimulatePrincipalPolicy"), {
      name: "AccessDenied",
      $metadata: { httpStatusCode: 403 },
    });
    iam.on(SimulatePrincipalPolicyCommand).rejects(refused);
    expect((await examined()).checks["permissions"]).toMatchObject({
      result: "warning",
      what: expect.stringMatching(/^IAM cannot tell what we may do: AccessDenied: /),
    });
  });

  test.each([
    ["arn:aws:iam::123456789012:user/dev", "arn:aws:iam::123456789012:user/dev"],
    ["arn:aws:sts::123456789012:assumed-role/Dev/me@x", "arn:aws:iam::123456789012:role/Dev"],
    ["arn:aws-cn:sts::123456789012:assumed-role/Dev/me", "arn:aws-cn:iam::123456789012:role/Dev"],
  ])("%s is simulated as %s", (arn, principal) => {
    expect(principalOf(arn)).toBe(principal);
  });
});

describe("this machine", () => {
  test("Node.js as package.json needs it", () => {
    const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
    expect(engines.node).toBe(`>=${NODE_NEEDED}`);
    expect(nodeFinding("v22.18.0").result).toBe("ok");
    expect(nodeFinding("v22.17.9")).toMatchObject({ result: "fault", what: "v22.17.9, but 22.18 or later is needed" });
    expect(nodeFinding("v20.19.0").result).toBe("fault");
  });

  test.each([
    [5e9, "ok"],
    [1.9e9, "warning"],
    [1e8, "fault"],
  ])("%d bytes free: %s", (bytes, result) => {
    expect(spaceFinding("/x", bytes).result).toBe(result);
  });

  test.each([
    [0, "ok"],
    [29_000, "ok"],
    [-31_000, "warning"],
    [299_000, "warning"],
    [-301_000, "fault"],
  ])("a clock %d ms off: %s", (skewMs, result) => {
    expect(skewFinding(skewMs).result).toBe(result);
  });

  test("a file where the store's folder has to be: a fault, exit code 1", async () => {
    writeFileSync(join(folder, ".kimtest"), "x");
    const { checks, exitCode } = await examined();
    expect(checks["folder"]).toMatchObject({ result: "fault", what: `${join(folder, ".kimtest")} is no folder` });
    expect(exitCode).toBe(1);
  });

  test("a kimtest.json that cannot be used: exit code 2", async () => {
    writeFileSync(join(folder, "kimtest.json"), '{"stak":"dev"}');
    const ran = await kimtest(["doctor"], { here: { folder, env: moto().env } });
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  });
});
