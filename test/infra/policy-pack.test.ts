/**
 * The policy pack as Pulumi runs it: its real entry point, asked over gRPC as the engine asks, first about each
 * resource and then about the whole stack. The resources are those that the real program registers.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import * as grpc from "@grpc/grpc-js";
import { RESOURCE_RULES, STACK_RULES } from "../../infra/policy/rules.ts";
import { captureStack, ROOT, type CapturedResource } from "./pulumi-host.ts";

const require = createRequire(import.meta.url);
const MINUTE_MS = 60_000;

interface Diagnostic {
  getPolicyname(): string;
  getMessage(): string;
  getUrn(): string;
  getEnforcementlevel(): number;
}
interface Response {
  getDiagnosticsList(): Diagnostic[];
}
type Unary = (request: unknown, done: (error: Error | null, response: Response) => void) => void;
interface Analyzer {
  analyze: Unary;
  analyzeStack: Unary;
  close: () => void;
}
type Setters = Record<string, (...values: unknown[]) => void>;
type Classes = Record<string, new () => Setters>;

const { AnalyzerClient } = require("@pulumi/pulumi/proto/analyzer_grpc_pb.js") as {
  AnalyzerClient: new (address: string, credentials: grpc.ChannelCredentials) => Analyzer;
};
const { AnalyzeRequest, AnalyzerResource, AnalyzeStackRequest, AnalyzerPropertyDependencies, AnalyzerResourceOptions } =
  require("@pulumi/pulumi/proto/analyzer_pb.js") as Classes;
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js") as {
  Struct: { fromJavaScript: (value: unknown) => unknown };
};

/** EnforcementLevel of analyzer.proto: an update with such a violation fails. */
const MANDATORY = 1;

let pack: ChildProcessByStdio<null, Readable, Readable>;
let analyzer: Analyzer;
let resources: readonly CapturedResource[] = [];

beforeAll(async () => {
  // As Pulumi starts it: in the pack's folder, with the address of an engine that it never calls.
  const entry = join(dirname(require.resolve("@pulumi/pulumi/package.json")), "cmd/run-policy-pack/index.js");
  pack = spawn(process.execPath, [entry, "127.0.0.1:1", "."], {
    cwd: join(ROOT, "infra/policy"),
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  // It prints its port, and then serves until it is ended.
  const [port] = (await once(createInterface(pack.stdout), "line")) as [string];
  expect(port).toMatch(/^\d+$/);
  analyzer = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const stack = await captureStack({ config: { alertEmail: "you@example.com" } });
  expect(stack.code).toBe(0);
  resources = stack.resources.filter(({ type }) => type.startsWith("aws:"));
  expect(resources.length).toBeGreaterThan(40);
}, MINUTE_MS);

afterAll(async () => {
  analyzer.close();
  pack.kill("SIGKILL");
  await once(pack, "close");
});

const asked = (method: "analyze" | "analyzeStack", request: unknown): Promise<string[]> =>
  new Promise((resolve, reject) => {
    analyzer[method](request, (error, response) => {
      if (error !== null) {
        reject(error);
        return;
      }
      resolve(
        response
          .getDiagnosticsList()
          .map(
            (one) =>
              `${one.getEnforcementlevel() === MANDATORY ? "mandatory" : "other"} ${one.getPolicyname()}: ${one.getMessage()}`,
          ),
      );
    });
  });

/** Both questions, about all resources. */
async function violations(all: readonly CapturedResource[]): Promise<string[]> {
  const ofResources: string[] = [];
  for (const resource of all) ofResources.push(...(await asked("analyze", filled(new AnalyzeRequest!(), resource))));
  const request = new AnalyzeStackRequest!();
  request["setResourcesList"]!(
    all.map((resource) => {
      const message = filled(new AnalyzerResource!(), resource);
      const map = (message["getPropertydependenciesMap"] as unknown as () => Map<string, unknown>).call(message);
      for (const [property, urns] of Object.entries(resource.propertyDependencies)) {
        const dependencies = new AnalyzerPropertyDependencies!();
        dependencies["setUrnsList"]!([...urns]);
        map.set(property, dependencies);
      }
      return message;
    }),
  );
  return [...ofResources, ...(await asked("analyzeStack", request))];
}

function filled(message: Setters, { type, name, urn, inputs }: CapturedResource): Setters {
  message["setType"]!(type);
  message["setName"]!(name);
  message["setUrn"]!(urn);
  message["setOptions"]!(new AnalyzerResourceOptions!());
  message["setProperties"]!(Struct.fromJavaScript(inputs));
  return message;
}

test("our own stack passes", async () => {
  expect(await violations(resources)).toEqual([]);
});

test("a stack broken in every way fails every rule", async () => {
  const change = (type: string, inputs: Readonly<Record<string, unknown>>) => (resource: CapturedResource) =>
    resource.type === type ? { ...resource, inputs: { ...resource.inputs, ...inputs } } : resource;
  const broken = resources
    .map(
      change("aws:ec2/instance:Instance", {
        metadataOptions: { httpTokens: "optional" },
        rootBlockDevice: {},
        instanceMarketOptions: { marketType: "spot" },
      }),
    )
    .map(change("aws:ec2/securityGroup:SecurityGroup", { ingress: [{ protocol: "tcp", fromPort: 22, toPort: 22 }] }))
    .map(change("aws:s3/bucket:Bucket", { acl: "public-read" }))
    .map(
      change("aws:iam/rolePolicy:RolePolicy", {
        policy: JSON.stringify({ Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] }),
      }),
    )
    .filter(({ type }) => type !== "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock");
  const found = await violations(broken);
  expect(found.filter((violation) => !violation.startsWith("mandatory "))).toEqual([]);
  const rules = new Set(found.map((violation) => violation.split(/[ :]/)[1]));
  expect([...rules].sort()).toEqual([...RESOURCE_RULES, ...STACK_RULES].map(({ name }) => name).sort());
});
