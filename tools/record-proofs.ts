/**
 * Runs the real proof tools on the small specifications under test/fixtures/proofs/ and records what they
 * print: the tests of the adapters judge these recordings. Run it after a new version of a tool.
 *
 *   node tools/record-proofs.ts --tla2tools JAR --alloy JAR --ivy-check PROGRAM
 *
 * Then `npm run format`. coqc and java are taken from PATH. A tool that is not named is left alone, and so are its recordings.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stringifyJson } from "../contracts/json.ts";
import { createProcesses, type Processes } from "../runner/platform/processes.ts";
import type { ProgramEnd } from "../runner/platform/program-run.ts";
import { runAlloy } from "../runner/tools/alloy.ts";
import { runCoq } from "../runner/tools/coq.ts";
import { runIvy } from "../runner/tools/ivy.ts";
import { onThisMachine } from "../runner/tools/launch.ts";
import type { ProofRun } from "../runner/tools/proof.ts";
import { runTlc } from "../runner/tools/tlc.ts";

const fixtures = join(import.meta.dirname, "../test/fixtures/proofs");
const root = join(import.meta.dirname, "..");
const scratch = await mkdtemp(join(tmpdir(), "kimtest-record-"));

const { values } = parseArgs({
  options: { tla2tools: { type: "string" }, alloy: { type: "string" }, "ivy-check": { type: "string" } },
});

/** How the last program ended. */
let lastEnd: ProgramEnd | undefined;
const real = createProcesses(join(scratch, "notes"));
const processes: Processes = {
  ...real,
  async run(options) {
    lastEnd = await real.run(options);
    return lastEnd;
  },
};

/** No name, folder or process of the machine that recorded. */
function scrubbed(text: string): string {
  return text
    .replaceAll(scratch, "/scratch")
    .replaceAll(root, "/checkout")
    .replaceAll(values.tla2tools ?? "\0", "/tools/tla2tools.jar")
    .replaceAll(values.alloy ?? "\0", "/tools/alloy.jar")
    .replaceAll(values["ivy-check"] ?? "\0", "/tools/ivy_check")
    .replaceAll(homedir(), "/home/user")
    .replaceAll(hostname(), "host")
    .replaceAll(/\/tmp\/kimtest-(tlc|alloy)-\w+/g, "/tmp/$1")
    .replaceAll(/\[pid: \d+\] \([^)]*\)/g, "[pid: 1] (Linux)");
}

async function record(tool: string, name: string, run: ProofRun): Promise<void> {
  if (lastEnd === undefined) throw new Error(`${tool} ${name} started no program`);
  const { ending, exitCode, signal, description } = lastEnd;
  const end = { ending, exitCode, signal, description };
  const recording = {
    verdict: run.result.verdict,
    reason: run.result.reason,
    end,
    lines: scrubbed(run.log).split("\n"),
  };
  await writeFile(join(fixtures, "recorded", `${tool}-${name}.json`), `${scrubbed(stringifyJson(recording))}\n`);
  process.stdout.write(`${tool} ${name}: ${run.result.verdict} ${run.result.reason ?? ""}\n`);
  lastEnd = undefined;
}

if (values.tla2tools !== undefined) {
  const options = {
    java: "java",
    jar: values.tla2tools,
    folder: join(fixtures, "tlc"),
    workers: 1,
    maxHeapMebibytes: 512,
    arguments: [],
  } as const;
  const cases: [name: string, specification: string, configuration: string, checksDeadlock: boolean, ms?: number][] = [
    ["good", "Counter.tla", "Counter_good.cfg", true],
    ["safety", "Counter.tla", "Counter_safety.cfg", true],
    ["liveness", "Counter.tla", "Counter_liveness.cfg", true],
    ["nothing-checked", "Counter.tla", "Counter_nothing.cfg", false],
    ["unknown-invariant", "Counter.tla", "Counter_unknown.cfg", true],
    ["deadlock", "Deadlock.tla", "Deadlock.cfg", true],
    ["assert", "Assert.tla", "Deadlock.cfg", true],
    ["initial", "Initial.tla", "Initial.cfg", true],
    ["stutter", "Stutter.tla", "Stutter.cfg", false],
    ["action", "Action.tla", "Action.cfg", false],
    ["garbage", "Garbage.tla", "Deadlock.cfg", true],
    ["no-file", "Nowhere.tla", "Deadlock.cfg", true],
    ["deadline", "Large.tla", "Large.cfg", true, 4_000],
  ];
  for (const [name, specification, configuration, checksDeadlock, deadlineMs = 60_000] of cases) {
    const run = await runTlc(processes, { ...options, specification, configuration, checksDeadlock }, { deadlineMs });
    await record("tlc", name, run);
  }
}

if (values.alloy !== undefined) {
  const options = {
    java: "java",
    jar: values.alloy,
    folder: join(fixtures, "alloy"),
    maxHeapMebibytes: 512,
    unsatisfiableRuns: [],
  };
  const names = ["good", "bad", "expect", "wrong-expectation", "hidden", "contradiction", "no-check", "garbage"];
  for (const name of names) {
    const run = await runAlloy(processes, { ...options, specification: `${name}.als` }, { deadlineMs: 60_000 });
    await record("alloy", name, run);
  }
  await record(
    "alloy",
    "deadline",
    await runAlloy(processes, { ...options, specification: "good.als" }, { deadlineMs: 1 }),
  );
}

const coqCases: [name: string, files: string[], ms?: number][] = [
  ["good", ["Common.v", "Uses.v"]],
  ["wrong", ["Common.v", "Wrong.v", "Uses.v"]],
  ["wrong-order", ["Uses.v", "Common.v"]],
  ["admitted", ["Common.v", "Gap.v"]],
  ["garbage", ["Garbage.v"]],
  ["deadline", ["Common.v", "Slow.v"], 5_000],
];
for (const [name, files, deadlineMs = 60_000] of coqCases) {
  const folder = join(fixtures, "coq");
  const options = { folder, folderInside: folder, library: "Kimberlite", files, allowedAdmitted: 0 };
  await record("coq", name, await runCoq(onThisMachine(processes, folder, { deadlineMs }), options));
}

const ivyCheck = values["ivy-check"];
if (ivyCheck !== undefined) {
  const cases: [name: string, file: string, extra: string[], ms?: number][] = [
    ["good", "good.ivy", []],
    ["bad", "bad.ivy", []],
    ["bad-trace", "bad.ivy", ["trace=true"]],
    ["garbage", "garbage.ivy", []],
    ["no-file", "nowhere.ivy", []],
    ["deadline", "good.ivy", [], 1],
  ];
  for (const [name, specification, extra, deadlineMs = 60_000] of cases) {
    const launch = onThisMachine(processes, join(fixtures, "ivy"), { deadlineMs });
    const options = { program: [ivyCheck], specification, arguments: extra, expectedChecks: 3 };
    await record("ivy", name, await runIvy(launch, options));
  }
}

await rm(scratch, { recursive: true, force: true });
