/**
 * Runs every scenario of the embedded simulator on many seeds, one after the other, and holds each to its
 * expectation: no seed of a must-pass scenario fails, every seed of a must-detect one does.
 *
 *   nice -n 19 node tools/campaign.ts [--seeds 10000] [--from 0] [SCENARIO…]
 *
 * One line per scenario as it ends. Exit code 0 all as expected, 1 one was not, 6 one has no verdict.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EXIT, KimtestError, type ExitCode } from "../contracts/errors.ts";
import { parseU64 } from "../contracts/u64.ts";
import { createProcesses, type Processes } from "../runner/platform/processes.ts";
import { runProgram } from "../runner/platform/program.ts";
import { embeddedProfile } from "../runner/profiles/embedded.ts";
import { runVopr } from "../runner/tools/vopr-run.ts";
import { SCENARIOS, scenarioNamed } from "../sim/scenarios.ts";
import type { Scenario } from "../sim/scenario.ts";

const MAX_SEEDS = 1_000_000;
const DEADLINE_MS = 6 * 3_600_000;
const STALL_MS = 60_000;

async function campaign(): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    options: { seeds: { type: "string", default: "10000" }, from: { type: "string", default: "0" } },
    allowPositionals: true,
  });
  const from = parseU64(values.from, "--from");
  const seeds = Number(parseU64(values.seeds, "--seeds"));
  if (seeds < 1 || seeds > MAX_SEEDS)
    throw new KimtestError("USAGE", `--seeds is ${values.seeds}, but must be 1 to ${MAX_SEEDS}`);
  const scenarios = positionals.length === 0 ? SCENARIOS : positionals.map(scenarioNamed);
  const notes = mkdtempSync(join(tmpdir(), "kimtest-campaign-"));
  const outcomes: Outcome[] = [];
  try {
    const processes = createProcesses(notes);
    for (const scenario of scenarios) outcomes.push(await run(processes, scenario, from, seeds));
  } finally {
    rmSync(notes, { recursive: true });
  }
  if (outcomes.includes("not as expected")) return EXIT.failuresFound;
  return outcomes.includes("inconclusive") ? EXIT.inconclusive : EXIT.ok;
}

type Outcome = "as expected" | "not as expected" | "inconclusive";

async function run(processes: Processes, scenario: Scenario, from: bigint, seeds: number): Promise<Outcome> {
  const { name, expectation } = scenario;
  const found = new Map<string, number>();
  let events = 0;
  const { end, verdict } = await runVopr(processes, {
    command: [
      ...embeddedProfile().vopr.command,
      "--json",
      "--scenario",
      name,
      "--seed",
      String(from),
      "-n",
      String(seeds),
    ],
    range: { startingSeed: from, iterations: seeds },
    deadlineMs: DEADLINE_MS,
    stallMs: STALL_MS,
    onRecord: (record) => {
      if (record.type !== "iteration") return undefined;
      const { data } = record;
      events += data.events;
      if (data.status === "failed") found.set(data.invariant, (found.get(data.invariant) ?? 0) + 1);
      return undefined;
    },
  });
  const seconds = end.cpuMs / 1000;
  const invariants = [...found].map(([invariant, times]) => `${invariant} ${times}`).join(", ");
  const outcome = outcomeOf(expectation, verdict.verdict, verdict.failures, seeds);
  process.stdout.write(
    `${name.padEnd(36)} ${expectation.padEnd(11)} ${String(verdict.failures).padStart(6)} of ${seeds} failed  ` +
      `${outcome}  ${seconds.toFixed(0)} s of CPU time, ${(events / 1e6).toFixed(1)} million events` +
      `${invariants === "" ? "" : `  (${invariants})`}${verdict.verdict === "inconclusive" ? `  ${verdict.reason ?? ""}` : ""}\n`,
  );
  return outcome;
}

function outcomeOf(
  expectation: Scenario["expectation"],
  verdict: "passed" | "failed" | "inconclusive",
  failures: number,
  seeds: number,
): Outcome {
  if (verdict === "inconclusive") return "inconclusive";
  return failures === (expectation === "must-pass" ? 0 : seeds) ? "as expected" : "not as expected";
}

runProgram("campaign", campaign);
