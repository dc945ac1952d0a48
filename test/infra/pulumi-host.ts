/**
 * Runs the Pulumi program through Pulumi's own Node.js entry point, without the Pulumi engine: a small gRPC server
 * stands in for engine and resource monitor, and writes down every resource that the program registers.
 *
 * What this shows: the program loads as it does in `pulumi up` (Node's type stripping, the folder, the configuration),
 * and what it registers. What it cannot show: how the AWS provider answers. Ids and ARNs are made up here.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";

const require = createRequire(import.meta.url);

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const ACCOUNT_ID = "123456789012";
/** Of AWS, where the configuration says nothing else. */
const DEFAULT_REGION = "us-east-1";
const MAX_OUTPUT_CHARACTERS = 1_000_000;

export interface CapturedResource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** The URN of the component it belongs to. */
  readonly parent: string;
  /** False for a component. */
  readonly custom: boolean;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly importId: string;
  /** URNs. */
  readonly dependencies: readonly string[];
  /** URNs by the property whose value comes from them. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** `URN::ID` of the provider; "" for a component. */
  readonly provider: string;
}

export interface Captured {
  /** Exit code of the program. */
  readonly code: number | null;
  readonly resources: readonly CapturedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What the program logged, `error: …`. */
  readonly logs: readonly string[];
  readonly stderr: string;
  /** Processor time of the program's thread; NaN unless asked for. */
  readonly threadMs: number;
}

export interface CaptureOptions {
  readonly stack?: string;
  /** Keys without their project, as in `volumeSize`; a value as Pulumi passes it. */
  readonly config?: Readonly<Record<string, string>>;
  /** As in `pulumi preview`: nothing has an id yet. */
  readonly preview?: boolean;
  /** What AWS would answer for a resource, over what is made up here; with `id` in it, its id. */
  readonly answer?: (resource: CapturedResource) => Promise<Record<string, unknown>> | Record<string, unknown>;
  /** What AWS would answer the program's questions; made up where it is not given. */
  readonly invoke?: (token: string, args: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;
  /** Whether to measure `threadMs`, by a few lines that run in the program's process when it ends. */
  readonly measure?: boolean;
  readonly timeoutMs?: number;
}

/** The methods of Google's generated classes that are used here. */
interface Message {
  [method: `get${string}` | `set${string}` | `has${string}`]: (...values: unknown[]) => unknown;
}
type MessageClass = new () => Message;
interface Proto {
  [name: string]: MessageClass;
}

const proto = (name: string) => require(`@pulumi/pulumi/proto/${name}_pb.js`) as Proto;
const service = (file: string, name: string) =>
  (require(`@pulumi/pulumi/proto/${file}_grpc_pb.js`) as Record<string, grpc.ServiceDefinition>)[name]!;
const resourceProto = proto("resource");
const engineProto = proto("engine");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js") as {
  Struct: { fromJavaScript: (value: unknown) => unknown };
};
const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js") as { Empty: MessageClass };

/** A message with these fields set: `{ urn: "x" }` calls setUrn. */
function message(Class: MessageClass | undefined, fields: Readonly<Record<string, unknown>> = {}): Message {
  if (Class === undefined) throw new Error("this version of @pulumi/pulumi has another protocol");
  const made = new Class();
  for (const [field, value] of Object.entries(fields)) {
    made[`set${field.charAt(0).toUpperCase()}${field.slice(1)}`]!(value);
  }
  return made;
}

const text = (request: Message, field: string): string => request[`get${field}`]!() as string;
const flag = (request: Message, field: string): boolean => request[`get${field}`]!() as boolean;
const list = (request: Message, field: string): string[] => [...(request[`get${field}List`]!() as string[])];
function object(request: Message, field: string): Record<string, unknown> {
  const struct = request[`get${field}`]!() as { toJavaScript: () => Record<string, unknown> } | undefined;
  return struct?.toJavaScript() ?? {};
}

/** Runs the program of this checkout for one stack. */
export async function captureStack(options: CaptureOptions = {}): Promise<Captured> {
  const { stack = "dev", config = {}, preview = false, measure = false, timeoutMs = 60_000 } = options;
  const region = config["region"] ?? DEFAULT_REGION;
  const resources: CapturedResource[] = [];
  const logs: string[] = [];
  let outputs: Record<string, unknown> = {};
  let rootUrn = "";

  const monitor = {
    supportsFeature: (request: Message) =>
      message(resourceProto["SupportsFeatureResponse"], {
        hassupport: ["secrets", "resourceReferences", "aliasSpecs", "deletedWith"].includes(text(request, "Id")),
      }),
    registerResource: async (request: Message) => {
      const resource = captured(request, stack);
      resources.push(resource);
      const known = resource.custom && !preview;
      const answer = { ...(known ? madeUp(resource, region) : {}), ...(await options.answer?.(resource)) };
      const { id = `${resource.name}-id`, ...state } = answer as Record<string, unknown> & { id?: string };
      return message(resourceProto["RegisterResourceResponse"], {
        urn: resource.urn,
        object: Struct.fromJavaScript({ ...resource.inputs, ...state }),
        ...(known ? { id } : {}),
      });
    },
    registerResourceOutputs: (request: Message) => {
      if (text(request, "Urn") === rootUrn) outputs = object(request, "Outputs");
      return message(Empty);
    },
    invoke: async (request: Message) => {
      const invoke = options.invoke ?? ((token, args) => invoked(token, args, region));
      const answer = await invoke(text(request, "Tok"), object(request, "Args"));
      return message(resourceProto["ResourceInvokeResponse"], { return: Struct.fromJavaScript(answer) });
    },
    registerPackage: () => message(resourceProto["RegisterPackageResponse"], { ref: "package" }),
    signalAndWaitForShutdown: () => message(Empty),
  };
  const engine = {
    log: (request: Message) => {
      const severity = ["debug", "info", "warning", "error"][request["getSeverity"]!() as number] ?? "unknown";
      if (severity !== "debug") logs.push(`${severity}: ${text(request, "Message")}`);
      return message(Empty);
    },
    getRootResource: () => message(engineProto["GetRootResourceResponse"], { urn: rootUrn }),
    setRootResource: (request: Message) => {
      rootUrn = text(request, "Urn");
      return message(engineProto["SetRootResourceResponse"]);
    },
    requirePulumiVersion: () => message(engineProto["RequirePulumiVersionResponse"]),
  };

  const server = new grpc.Server();
  serve(server, service("resource", "ResourceMonitorService"), monitor);
  serve(server, service("engine", "EngineService"), engine);
  const address = `127.0.0.1:${await listen(server)}`;
  try {
    const ended = await run(address, { stack, config, preview, measure, timeoutMs });
    return { ...ended, resources, outputs, logs };
  } finally {
    server.forceShutdown();
  }
}

type Handlers = Readonly<Record<string, (request: Message) => Message | Promise<Message>>>;

/** A method that is not handled answers UNIMPLEMENTED, which ends the program with its name. */
function serve(server: grpc.Server, definition: grpc.ServiceDefinition, handlers: Handlers): void {
  const implementation: grpc.UntypedServiceImplementation = {};
  for (const name of Object.keys(definition)) {
    const handler = handlers[name];
    const handle: grpc.handleUnaryCall<Message, Message> = (call, callback) => {
      if (handler === undefined) {
        callback({ code: grpc.status.UNIMPLEMENTED, message: `the test's host has no ${name}` });
        return;
      }
      Promise.resolve(call.request)
        .then(handler)
        .then(
          (answer) => {
            callback(null, answer);
          },
          (error: unknown) => {
            callback({ code: grpc.status.INTERNAL, message: String(error) });
          },
        );
    };
    implementation[name] = handle;
  }
  server.addService(definition, implementation);
}

async function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** Writes, at the end of the process, how many milliseconds its main thread has worked. */
const STOPWATCH =
  'data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>{' +
  "const{user,system}=process.threadCpuUsage();writeSync(3,String((user+system)/1000))})";

/** As Pulumi's language host starts it: in the folder of `main`, with the file's name. */
async function run(address: string, options: Required<Omit<CaptureOptions, "answer" | "invoke">>) {
  const entry = join(dirname(require.resolve("@pulumi/pulumi/package.json")), "cmd/run/index.js");
  const args = [
    ...(options.measure ? ["--import", STOPWATCH] : []),
    ...[entry, "--monitor", address, "--engine", address, "--organization", "organization"],
    ...["--project", "kimtest", "--stack", options.stack, "--root-directory", ROOT, "--pwd", join(ROOT, "infra")],
    ...(options.preview ? ["--dry-run"] : []),
    ...["--parallel", "16", "index.ts"],
  ];
  const config = Object.fromEntries(Object.entries(options.config).map(([key, value]) => [`kimtest:${key}`, value]));
  const child = spawn(process.execPath, args, {
    cwd: join(ROOT, "infra"),
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
    // Nothing of the machine's own AWS or Pulumi settings reaches the program.
    env: { PATH: process.env["PATH"], PULUMI_CONFIG: JSON.stringify(config), PULUMI_CONFIG_SECRET_KEYS: "[]" },
  });
  const [stderr, stopwatch] = [textOf(child.stdio[2] as Readable), textOf(child.stdio[3] as Readable)];
  const [code] = (await once(child, "close")) as [number | null];
  const time = await stopwatch;
  return { code, stderr: await stderr, threadMs: time === "" ? NaN : Number(time) };
}

/** The end of it, when there is too much. */
async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text = (text + String(chunk)).slice(-MAX_OUTPUT_CHARACTERS);
  return text;
}

function captured(request: Message, stack: string): CapturedResource {
  const type = text(request, "Type");
  const name = text(request, "Name");
  const parent = text(request, "Parent");
  const above = parent.split("::")[2] ?? "";
  const path = above === "" || above === "pulumi:pulumi:Stack" ? type : `${above}$${type}`;
  return {
    type,
    name,
    urn: `urn:pulumi:${stack}::kimtest::${path}::${name}`,
    parent,
    custom: flag(request, "Custom"),
    inputs: object(request, "Object"),
    protect: flag(request, "Protect"),
    retainOnDelete: flag(request, "Retainondelete"),
    deleteBeforeReplace: flag(request, "Deletebeforereplace"),
    ignoreChanges: list(request, "Ignorechanges"),
    replaceOnChanges: list(request, "Replaceonchanges"),
    importId: text(request, "Importid"),
    dependencies: list(request, "Dependencies"),
    propertyDependencies: propertyDependencies(request),
    provider: text(request, "Provider"),
  };
}

function propertyDependencies(request: Message): Record<string, string[]> {
  const entries: Record<string, string[]> = {};
  const map = request["getPropertydependenciesMap"]!() as Map<string, Message>;
  map.forEach((value, property) => {
    entries[property] = list(value, "Urns");
  });
  return entries;
}

/** Attributes that only AWS knows, for the types of which the program reads one. */
function madeUp({ type, name, inputs }: CapturedResource, region: string): Record<string, unknown> {
  const arn = (where: string, path: string) => ({ arn: `arn:aws:${where}:${path}` });
  const here = (service: string) => `${service}:${region}:${ACCOUNT_ID}`;
  const input = (field: string) => String(inputs[field]);
  switch (type) {
    case "aws:s3/bucket:Bucket":
      return { id: input("bucket"), ...arn("s3:", `:${input("bucket")}`) };
    case "aws:kms/key:Key":
      return { keyId: `${name}-id`, ...arn(here("kms"), `key/${name}-id`) };
    case "aws:sns/topic:Topic":
      return arn(here("sns"), input("name"));
    case "aws:cloudwatch/logGroup:LogGroup":
      return arn(here("logs"), `log-group:${input("name")}`);
    case "aws:ssm/parameter:Parameter":
      return arn(here("ssm"), `parameter${input("name")}`);
    case "aws:cloudwatch/metricAlarm:MetricAlarm":
      return arn(here("cloudwatch"), `alarm:${input("name")}`);
    case "aws:cloudwatch/compositeAlarm:CompositeAlarm":
      return arn(here("cloudwatch"), `alarm:${input("alarmName")}`);
    case "aws:ec2/vpc:Vpc":
      return { id: "vpc-0a1b2c3d", defaultRouteTableId: "rtb-0a1b2c3d" };
    case "aws:ec2/instance:Instance":
      return {
        id: "i-0a1b2c3d4e5f60718",
        primaryNetworkInterfaceId: "eni-0a1b2c3d",
        ...("instanceMarketOptions" in inputs ? { spotInstanceRequestId: "sir-0a1b2c3d" } : {}),
      };
    default:
      return {};
  }
}

/** What AWS answers the program's questions; an unknown one fails it. */
export function invoked(
  token: string,
  args: Readonly<Record<string, unknown>>,
  region: string,
): Record<string, unknown> {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return {
        accountId: ACCOUNT_ID,
        arn: `arn:aws:iam::${ACCOUNT_ID}:user/somebody`,
        userId: "somebody",
        id: ACCOUNT_ID,
      };
    case "aws:ssm/getParameter:getParameter":
      return {
        name: args["name"],
        value: `ami-of${String(args["name"])}`,
        type: "String",
        version: 1,
        id: args["name"],
      };
    case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
      return { locations: [`${region}b`, `${region}a`], instanceTypes: [], locationTypes: [], id: region };
    default:
      throw new Error(`the test's host does not know ${token}`);
  }
}
