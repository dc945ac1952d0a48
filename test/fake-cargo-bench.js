// Stands in for `cargo bench` in tests of the runner: writes what Criterion would, scaled from a real recording.
//
//   node fake-cargo-bench.js LEVELS.json bench -p PACKAGE --bench SUITE -- --noplot …
//
// LEVELS.json says what each suite does: {"SUITE": {"levels": {"ID": MEDIAN_NS}, "exit": 0, "says": "…", "hang": false,
// "once": "FILE"}}. `hang`: it never ends by itself. `once`: a file; only while it does not exist the suite hangs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const RECORDED = new URL("fixtures/criterion/recorded/criterion/hash/fnv/64/new/", import.meta.url);
const recorded = (name) => JSON.parse(readFileSync(new URL(name, RECORDED), "utf8"));

const [levelsPath, ...cargo] = process.argv.slice(2);
const suite = cargo[cargo.indexOf("--bench") + 1];
const does = JSON.parse(readFileSync(levelsPath, "utf8"))[suite];

/** One estimate of a recording, as it would be on a machine that takes `factor` times as long. */
function scaled(estimate, factor) {
  const { confidence_level, lower_bound, upper_bound } = estimate.confidence_interval;
  return {
    confidence_interval: { confidence_level, lower_bound: lower_bound * factor, upper_bound: upper_bound * factor },
    point_estimate: estimate.point_estimate * factor,
    standard_error: estimate.standard_error * factor,
  };
}

function measure(id, medianNs) {
  const estimates = recorded("estimates.json");
  const sample = recorded("sample.json");
  const factor = medianNs / estimates.median.point_estimate;
  const folder = join(process.env.CRITERION_HOME, id, "new");
  mkdirSync(folder, { recursive: true });
  const write = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value));
  write("benchmark.json", { ...recorded("benchmark.json"), group_id: id.split("/")[0], full_id: id });
  write("sample.json", { ...sample, times: sample.times.map((time) => time * factor) });
  const entries = Object.entries(estimates).map(([name, estimate]) => [name, scaled(estimate, factor)]);
  write("estimates.json", Object.fromEntries(entries));
  process.stdout.write(`${id}    time:   [${medianNs} ns ${medianNs} ns ${medianNs} ns]\n`);
}

for (const [id, medianNs] of Object.entries(does.levels ?? {})) measure(id, medianNs);
if (does.says !== undefined) process.stderr.write(`${does.says}\n`);
process.exitCode = does.exit ?? 0;
if (does.hang === true || (does.once !== undefined && !existsSync(does.once))) {
  if (does.once !== undefined) writeFileSync(does.once, "");
  setInterval(() => undefined, 1_000);
}
