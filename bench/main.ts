/**
 * `npm run bench`: this project's own figures, side by side in one run.
 *
 * They are about ratios: the machine may be noisy. Give names to run only some: `npm run bench -- startup`.
 */
import { benchListFailures } from "./list-failures.ts";
import { benchMemory, benchThroughput } from "./runner.ts";
import { benchSimulator } from "./simulator.ts";
import { benchStatistics } from "./statistics.ts";
import { benchStartup } from "./startup.ts";
import { benchStatus } from "./status.ts";

const BENCHMARKS = {
  startup: benchStartup,
  status: benchStatus,
  statistics: benchStatistics,
  simulator: benchSimulator,
  memory: benchMemory,
  "list-failures": benchListFailures,
  throughput: benchThroughput,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: there is no benchmark ${unknown.join(", ")}; there are ${Object.keys(BENCHMARKS).join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  for (const [name, run] of Object.entries(BENCHMARKS)) if (asked.length === 0 || asked.includes(name)) await run();
}
