// A stand-in for a vopr in tests of the runner: the right NDJSON at any speed, or one of the ways to go wrong.
//
//   FAKE_VOPR='{"mode": "panic", "bad_seed": 17, …}' node fake-vopr.js --json --scenario S --seed N -n COUNT
//
// With --list-scenarios it lists those that FAKE_VOPR_SCENARIOS names.
// Plain JavaScript with no imports of ours, so that it starts fast and shares no code with what it tests.
// A seed fails when seed % fail_every == 0 (0: never), in all scenarios or `only` in one. A canary makes every third
// seed fail, unless it is `harmless`; `breaks_in` misbehaves in the middle. `canaries` are what it lists.
//
// With --bundle-out it writes a bundle of each failing seed before its line, none with "none", or one that is wrong as
// `bundle` says.
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

if (process.argv.includes("--list-scenarios")) {
  const names = (process.env.FAKE_VOPR_SCENARIOS ?? "baseline,combined").split(",");
  process.stdout.write(JSON.stringify({ scenarios: names.map((name) => ({ name })) }));
  process.exit(0);
}
const options = { mode: "good", fail_every: 0, seed_ms: 0, ...JSON.parse(process.env.FAKE_VOPR ?? "{}") };
const argument = (name) => process.argv[process.argv.indexOf(name) + 1];

if (process.argv.includes("--list-canaries")) {
  if (options.canaries === undefined) process.stderr.write("error: unknown argument --list-canaries\n");
  else process.stdout.write(JSON.stringify({ canaries: options.canaries }));
  process.exit(options.canaries === undefined ? 2 : 0);
}

const from = BigInt(argument("--seed"));
const count = BigInt(argument("-n"));
const scenario = argument("--scenario");
const planted = process.argv.includes("--canary") ? argument("--canary") : undefined;
const canary = planted !== undefined && planted !== options.harmless;
const bad = options.bad_seed === undefined ? from + count / 2n : BigInt(options.bad_seed);
const isBatchWithBad = planted === undefined ? bad >= from && bad < from + count : planted === options.breaks_in;

const failsHere = options.fail_every > 0 && (options.only ?? scenario) === scenario;
const hash = "0".repeat(64);
const timestamp = "2026-11-21T00:00:00.000000000+00:00";
const failed = [];
let chunk = "";

async function flush() {
  if (chunk === "") return;
  const text = chunk;
  chunk = "";
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once("drain", resolve));
}
function print(type, data) {
  chunk += `{"data":${data},"timestamp":"${timestamp}","type":"${type}"}\n`;
}
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

process.stdout.on("error", () => process.exit(0));

/** What goes wrong at the bad seed. `once` modes do so only the first time, marked by a file. */
async function misbehave() {
  if (options.once !== undefined) {
    if (existsSync(options.once)) return;
    writeFileSync(options.once, "");
  }
  await flush();
  switch (options.mode) {
    case "panic":
      process.stderr.write("thread 'main' panicked at replica.rs:42: commit went backwards\n");
      process.exit(101);
    case "kill":
      process.kill(process.pid, "SIGKILL");
      return sleep(60_000);
    case "hang":
      return sleep(3_600_000);
    case "garbage":
      for (;;) {
        process.stdout.write("Segmentation fault (core dumped)\n");
        await sleep(1);
      }
    case "flood": {
      const block = "x".repeat(1 << 20);
      for (let written = 0; written < 1024; written += 1) {
        if (!process.stdout.write(block)) await new Promise((resolve) => process.stdout.once("drain", resolve));
      }
      return;
    }
    case "truncated":
      process.stdout.write('{"data":{"seed":');
      process.exit(0);
    case "no-final":
      process.exit(0);
    case "exit-2":
      process.stderr.write("error: unknown scenario\n");
      process.exit(2);
  }
}

/** Bytes in the format of contracts/bundle-file.ts. */
function packed(content) {
  const deflated = deflateSync(JSON.stringify(content).replace(/"seed":"(\d+)"/, '"seed":$1'));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(deflated.length);
  const checksum = createHash("sha256").update(length).update(deflated).digest();
  return Buffer.concat([Buffer.from("KMB1"), Buffer.from([2]), checksum, length, deflated]);
}

function writeBundle(folder, seed, invariant) {
  const { bundle } = options;
  if (bundle === "none") return;
  const of = bundle === "foreign" ? seed + 1_000_000n : seed;
  const failure = { invariant: bundle === "other-invariant" ? "hash_chain" : invariant, message: "m" };
  const commit = bundle === "other-commit" ? "0ther" : (process.env.KIMTEST_COMMIT ?? "unknown");
  const bytes = packed({ seed: String(of), scenario, commit, flags: [], failure });
  if (bundle === "damaged") bytes[50] ^= 1;
  const padding = Buffer.alloc(bundle === "huge" ? 4 * 1024 * 1024 : 0);
  writeFileSync(
    join(folder, `${seed}.kmb`),
    bundle === "cut" ? bytes.subarray(0, 60) : Buffer.concat([bytes, padding]),
  );
}

const started = options.mode === "wrong-range" ? from + 1n : from;
print(
  "start",
  `{"starting_seed":${started},"iterations":${count},"network_faults":true,"storage_faults":true,"checkpoint_loaded":false}`,
);
for (let seed = from; seed < from + count; seed += 1n) {
  if (isBatchWithBad && seed === bad && options.mode !== "good") await misbehave();
  const fails = canary ? seed % 3n === 0n : failsHere && seed % BigInt(options.fail_every) === 0n;
  if (fails) {
    failed.push(seed);
    if (process.argv.includes("--bundle-out")) writeBundle(argument("--bundle-out"), seed, "replica_consistency");
    print(
      "iteration",
      `{"seed":${seed},"status":"failed","events":10,"invariant":"replica_consistency","message":"replicas differ at seed ${seed} of ${scenario}"}`,
    );
  } else {
    print(
      "iteration",
      `{"seed":${seed},"status":"ok","events":10,"simulated_time_ms":1.5,"storage_hash":"${hash}","kernel_state_hash":"${hash}"}`,
    );
  }
  if (options.seed_ms > 0) {
    await flush();
    await sleep(options.seed_ms);
  } else if (chunk.length > 65_536) await flush();
}
if (options.mode !== "lying-final") {
  const coverage = `{"fault_points":{"total":1,"hit":1,"coverage_percent":100,"fault_points":{}},"phases":{"total_events":1,"unique_phases":1,"phase_counts":{}},"invariants":{"total":1,"executed":1,"coverage_percent":100,"invariant_counts":{}}}`;
  const properties = `{"total_observed":0,"always_evaluated":0,"never_evaluated":0,"sometimes_satisfied":0,"sometimes_total":0,"reached_hit":0,"reached_total":0,"violation_count":0,"unsatisfied_sometimes_ids":[],"unreached_ids":[],"violated_ids":[]}`;
  print(
    "batch_complete",
    `{"successes":${count - BigInt(failed.length)},"failures":${failed.length},"elapsed_secs":0.1,"rate":10,"failed_seeds":[${failed.join(",")}],"coverage":${coverage},"properties":${properties}}`,
  );
} else {
  print(
    "batch_complete",
    `{"successes":${count},"failures":0,"elapsed_secs":0.1,"rate":10,"failed_seeds":[],"coverage":{},"properties":{}}`,
  );
}
await flush();
process.exitCode = failed.length > 0 ? 1 : 0;
