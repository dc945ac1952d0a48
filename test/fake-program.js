// Stands in for the other three programs of a profile in tests of the runner; see contracts/programs.ts.
//
//   node fake-program.js explore|fuzz|bench …
const [kind] = process.argv.slice(2);
const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
const delayMs = Number(process.env.FAKE_PROGRAM_MS ?? "20");
/** Levels in nanoseconds, by benchmark. */
const levels = JSON.parse(process.env.FAKE_BENCH ?? '{"one":1000}');
const canary = process.argv.includes("--canary") || process.argv.includes("canary");

const benchmark = (name, mean) => ({
  name,
  samples: 100,
  median_ns: mean,
  mean_ns: mean,
  lower_ns: mean * 0.99,
  upper_ns: mean * 1.01,
  operations_per_second: 1e9 / mean,
});
const outputs = {
  explore: () => ({
    states: 1000,
    transitions: 5000,
    depth: 12,
    complete: true,
    scope: { replicas: 3 },
    elapsed_secs: 0.1,
    states_per_sec: 10_000,
    violation: canary ? { invariant: "vsr_agreement", message: "planted", trace: ["crash 1"] } : null,
  }),
  fuzz: () => ({
    target: argument("--target"),
    executions: 500,
    elapsed_secs: 0.1,
    failure: canary ? { message: "planted", counterexample: "[0]", seed: 1, path: "0", shrinks: 1 } : null,
  }),
  bench: () => ({
    benchmarks: Object.entries(levels).map(([name, mean]) => benchmark(name, mean)),
    canary: { name: "planted-slowdown", ratio: { median: 1.5, lower: 1.45, upper: 1.55 }, pairs: 60 },
  }),
};
setTimeout(() => {
  process.stdout.write(`${JSON.stringify(outputs[kind]())}\n`);
  process.exitCode = canary && kind !== "bench" ? 1 : 0;
}, delayMs);
