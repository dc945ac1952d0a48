/**
 * Builds and runs the planted fuzz targets of test/fixtures/fuzz-crate with the real cargo-fuzz, checks what the
 * adapter makes of them, and records what was printed: the tests of the adapter judge these recordings.
 *
 *   node tools/record-fuzz.ts [--cargo "cargo +nightly"]
 *
 * Needs cargo-fuzz on PATH (`cargo install cargo-fuzz`), a C++ compiler and crates.io; about three minutes.
 */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { homedir, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createProcesses } from "../runner/platform/processes.ts";
import { buildTarget, executableOf, hostTriple, judgeList, listCommand } from "../runner/tools/cargo-fuzz.ts";
import { minimize, reproduce } from "../runner/tools/fuzz-minimize.ts";
import { runFuzzTarget } from "../runner/tools/fuzz-run.ts";
import { mergeCommand, mergeResult } from "../runner/tools/libfuzzer.ts";
import { runTool } from "../runner/tools/tool-run.ts";

const { values } = parseArgs({ options: { cargo: { type: "string", default: "cargo +nightly" } } });
const cargo = values.cargo.split(" ");
const fixtures = join(import.meta.dirname, "../test/fixtures");
const scratch = await mkdtemp(join(tmpdir(), "kimtest-record-fuzz-"));
const folder = join(scratch, "crate");
await cp(join(fixtures, "fuzz-crate"), folder, { recursive: true });
const processes = createProcesses(join(scratch, "notes"));
const rustc = execFileSync(cargo[0]!, [...cargo.slice(1), "version", "-v"], { encoding: "utf8" });
const triple = hostTriple(rustc);
if (triple === undefined) throw new Error(`no host in: ${rustc}`);
const options = {
  cargo,
  folder,
  fuzzFolder: "fuzz",
  buildFolder: join(scratch, "build"),
  triple,
  sanitizer: "address",
} as const;

/** No name, folder or process of the machine that recorded. */
function scrubbed(text: string): string {
  return text
    .replaceAll(scratch, "/scratch")
    .replaceAll(homedir(), "/home/user")
    .replaceAll(hostname(), "host")
    .replaceAll(/registry\/src\/[^/]+\//g, "registry/src/index/")
    .replaceAll(/\/tmp\/kimtest-fuzz-input-\w+/g, "/tmp/input");
}
const save = (name: string, text: string): Promise<void> =>
  writeFile(join(fixtures, "fuzz-recorded", `${name}.txt`), `${scrubbed(text)}\n`);
const say = (line: string): boolean => process.stdout.write(`${scrubbed(line)}\n`);
mkdirSync(join(fixtures, "fuzz-recorded"), { recursive: true });

const listed = await runTool(processes, { command: listCommand(options), cwd: folder, deadlineMs: 60_000 });
await save("list", listed.text);
const targets = judgeList(listed);
if ("problem" in targets) throw new Error(targets.problem);

for (const target of targets.targets) {
  const build = await buildTarget(processes, options, target, { deadlineMs: 600_000 });
  say(`${target}: build ${build.judgement.verdict} ${build.judgement.reason ?? ""}`);
  if (build.judgement.verdict !== "passed") {
    await save(`build-${target}`, build.log);
    continue;
  }
  const corpus = join(scratch, "corpus", target);
  mkdirSync(corpus, { recursive: true });
  const limits = { executable: executableOf(options, target), timeoutSeconds: 3, memoryMebibytes: 2048 };
  const run = await runFuzzTarget(processes, {
    ...limits,
    target,
    corpusFolders: [corpus],
    artifactFolder: join(scratch, "artifacts", target),
    fuzzingMs: 12_000,
    seed: 1,
    arguments: ["-max_len=8", "-report_slow_units=1"],
  });
  const { edges, corpusInputs, executions } = run.statistics;
  say(`${target}: ${run.judgement.verdict} ${run.judgement.reason ?? ""}`);
  say(
    `  ${String(run.starts)} starts, ${String(executions)} executions, ${String(edges)} edges, ${String(corpusInputs)} inputs`,
  );
  await save(`fuzz-${target}`, run.findings[0]?.log ?? run.log);

  for (const finding of run.findings) {
    const again = await reproduce(processes, limits, finding.path);
    const shorter = await minimize(processes, limits, finding, join(scratch, `${target}-min`), { maxSeconds: 10 });
    const size = readFileSync(shorter.path).length;
    say(`  ${finding.kind} x ${String(finding.count)} ${finding.signature.exact}`);
    say(`  again: ${again.outcome}; minimised to ${String(size)} bytes: ${shorter.reason ?? "yes"}`);
    if (target === "planted_panic" && again.outcome === "fails") await save("reproduce-planted_panic", again.log);
  }
  if (target === "clean") {
    const smaller = join(scratch, "smaller");
    mkdirSync(smaller);
    const merge = await runTool(processes, {
      command: mergeCommand(limits, smaller, corpus),
      cwd: scratch,
      deadlineMs: 60_000,
    });
    await save("merge-clean", merge.text);
    const result = mergeResult(merge);
    say(`  merge: ${JSON.stringify(result)}, ${String(readdirSync(smaller).length)} files`);
    const input = join(corpus, readdirSync(corpus)[0]!);
    const passes = await reproduce(processes, limits, input);
    if (passes.outcome === "passes") await save("reproduce-clean", passes.log);
  }
}
await rm(scratch, { recursive: true, force: true });
