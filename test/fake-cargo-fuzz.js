// Stands in for cargo with cargo-fuzz, and for the programs that it builds, in tests of the runner. What it prints
// was recorded from the real ones (test/fixtures/fuzz-recorded); an input "crashes" when it begins with FUZZ, as in
// the planted_panic of test/fixtures/fuzz-crate.
//
//   node fake-cargo-fuzz.js version -v
//   node fake-cargo-fuzz.js fuzz list|build|run …
//   node fake-cargo-fuzz.js program TARGET …        what a built program is a wrapper of
//
// FAKE_CARGO, as JSON: { list?: [name], targets: { [name]: { … } } }, per target:
//   build            "fails", or how many milliseconds it takes
//   crashes          from how many of its first starts a crash comes; Infinity as a string
//   after_ms         how long a start runs before it crashes
//   input            what it finds, after FUZZ; by default the number of the start
//   kind             crash (default), timeout, oom, leak, slow-unit
//   inputs           how many inputs a start adds to its corpus
//   dies             it cannot begin
//   ignores_inputs   an input that is run again passes
//   merge            "loses" features, "stops" before its end
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const recorded = (name) => readFileSync(join(dirname(SELF), "fixtures/fuzz-recorded", `${name}.txt`), "utf8");
const config = JSON.parse(process.env.FAKE_CARGO);
const print = (text) => process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
const sha1 = (bytes) => createHash("sha1").update(bytes).digest("hex");
const behaviour = (target) => config.targets[target] ?? {};

async function cargo([command, ...args]) {
  if (command === "version") {
    process.stdout.write("cargo 1.97.0-nightly (4d1f98451 2026-05-15)\nhost: x86_64-unknown-linux-gnu\n");
    return 0;
  }
  const [action, ...rest] = args;
  if (command !== "fuzz" || config.no_fuzz) {
    print("error: no such command: `fuzz`");
    return 101;
  }
  if (action === "list") {
    process.stdout.write(`${(config.list ?? Object.keys(config.targets)).join("\n")}\n`);
    return 0;
  }
  if (action === "build")
    return build(rest.at(-1), rest[rest.indexOf("--target-dir") + 1], rest[rest.indexOf("--target") + 1]);
  const [target, input] = rest;
  return (await program(target, [input])) === 0 ? 0 : 1;
}

async function build(target, folder, triple) {
  print("   Compiling planted-fuzz v0.0.0 (/scratch/crate/fuzz)");
  const { build: how } = behaviour(target);
  if (how === "fails") {
    print(recorded("build-does_not_compile"));
    return 1;
  }
  await delay(how ?? 0);
  const path = join(folder, triple, "release", target);
  mkdirSync(dirname(path), { recursive: true });
  const words = [`FAKE_CARGO=${process.env.FAKE_CARGO}`, process.execPath, SELF, "program", target];
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  writeFileSync(path, `#!/bin/sh\nexec env SELF="$0" ${quoted} "$@"\n`, { mode: 0o755 });
  print("    Finished `release` profile [optimized + debuginfo] target(s) in 0.10s");
  return 0;
}

async function program(target, args) {
  process.on("SIGTERM", () => process.exit(72)); // as libFuzzer does
  const flag = (name) => args.find((word) => word.startsWith(`-${name}=`))?.slice(name.length + 2);
  const paths = args.filter((word) => !word.startsWith("-"));
  if (behaviour(target).dies) {
    print("error while loading shared libraries: libasan.so");
    return 127;
  }
  if (flag("merge") === "1") return merge(behaviour(target), ...paths);
  if (flag("minimize_crash") === "1") {
    writeFileSync(flag("exact_artifact_path"), readFileSync(paths[0]).subarray(0, 4));
    return 0;
  }
  if (flag("max_total_time") === undefined) return runInput(behaviour(target), paths[0]);
  return fuzz(behaviour(target), Number(flag("max_total_time")), flag("artifact_prefix"), paths);
}

function runInput({ ignores_inputs: passes }, path) {
  if (readFileSync(path, "latin1").startsWith("FUZZ") && !passes) {
    print(recorded("reproduce-planted_panic"));
    return 77;
  }
  print(`Running: ${path}\nExecuted ${path} in 0 ms`);
  return 0;
}

async function fuzz(how, seconds, prefix, [corpus]) {
  const path = `${process.env.SELF}.starts`;
  const start = existsSync(path) ? readFileSync(path).length + 1 : 1;
  appendFileSync(path, ".");
  const began = Date.now();
  if (corpus !== undefined) {
    const inputs = readdirSync(corpus).length;
    print(`INFO: ${String(inputs).padStart(8)} files found in ${corpus}`);
  }
  print("#2\tINITED cov: 18 ft: 18 corp: 1/1b exec/s: 0 rss: 33Mb");
  for (let index = 0; index < (how.inputs ?? 0); index += 1) {
    const input = Buffer.from(`${String.fromCharCode(65 + (index % 20))}${String(start)}-${String(index)}`);
    writeFileSync(join(corpus, sha1(input)), input);
  }
  const crashes = start <= Number(how.crashes ?? 0);
  const endMs = crashes ? (how.after_ms ?? 0) : seconds * 1000;
  let executions = 100;
  while (Date.now() - began < endMs) {
    await delay(Math.min(100, Math.max(1, endMs - (Date.now() - began))));
    executions += 1000;
    print(`#${String(executions)}\tpulse  cov: 20 ft: 26 corp: 6/23b lim: 8 exec/s: 10000 rss: 52Mb`);
  }
  if (crashes) {
    const input = Buffer.from(`FUZZ${how.input ?? String(start)}`);
    const kind = how.kind ?? "crash";
    const written = `${prefix}${kind}-${sha1(input)}`;
    writeFileSync(written, input);
    const log = { "slow-unit": "slow", crash: "panic" }[kind] ?? kind;
    const text = recorded(`fuzz-planted_${log}`).replace(/(Test unit written to ).*/, `$1${written}`);
    if (kind !== "slow-unit") {
      print(text);
      return { timeout: 70, oom: 71 }[kind] ?? 77;
    }
    print(text.split("\n").find((line) => line.includes(written)));
  }
  print(`#${String(executions)}\tDONE   cov: 20 ft: 26 corp: 6/23b lim: 8 exec/s: 10000 rss: 107Mb`);
  print(
    `Done ${String(executions)} runs in ${String(seconds)} second(s)\nstat::number_of_executed_units: ${String(executions)}`,
  );
  return 0;
}

/** An input reaches what its first byte says: the shortest of each is kept. */
function merge({ merge: how }, output, corpus) {
  const inputs = readdirSync(corpus).map((name) => readFileSync(join(corpus, name)));
  print(`MERGE-OUTER: ${String(inputs.length)} files, 0 in the initial corpus, 0 processed earlier`);
  if (how === "stops") return 0; // as `cargo fuzz cmin` does
  const kept = new Map();
  for (const input of inputs.sort((a, b) => a.length - b.length)) if (!kept.has(input[0])) kept.set(input[0], input);
  for (const input of kept.values()) writeFileSync(join(output, sha1(input)), input);
  const again = how === "loses" && corpus.endsWith("kept") ? 1 : 0;
  print("MERGE-OUTER: successful in 1 attempt(s)");
  print(
    `MERGE-OUTER: ${String(kept.size)} new files with ${String(kept.size - again)} new features added; 9 new coverage edges`,
  );
  return 0;
}

const [first, ...others] = process.argv.slice(2);
process.exitCode = await (first === "program" ? program(others[0], others.slice(1)) : cargo([first, ...others]));
