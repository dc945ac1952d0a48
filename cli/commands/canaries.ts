/** `kimtest canaries`: plants every bug that the simulator knows to plant, and looks which are found. */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import type { CanaryHunt, CanaryMatrix, PlantedCanary } from "../../contracts/canary.ts";
import { DEFAULT_STORE } from "../../contracts/defaults.ts";
import { EXIT, KimtestError, type ExitCode } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { parseDuration } from "../typed-times.ts";
import { jsonOption, profileOption, workersOption } from "./options.ts";

const DEFAULT_DEADLINE_MS = 300_000;

interface CanariesOptions {
  readonly profile: string;
  readonly only: readonly string[];
  readonly workers?: number | undefined;
  readonly deadline: number;
  readonly json?: true | undefined;
}

export function canariesCommand(deps: CliDeps) {
  return new Command("canaries")
    .description("Plant every known bug in the simulator and look which are found (exit code 1: one survived).")
    .addOption(profileOption())
    .addOption(
      new Option("--only <name>", "this canary alone; can be given more than once")
        .default<readonly string[]>([], "all")
        .argParser((name, before: readonly string[]) => [...before, name]),
    )
    .addOption(workersOption())
    .addOption(
      new Option("--deadline <time>", "how long one canary may take: 90s, 5m")
        .default(DEFAULT_DEADLINE_MS, "5m")
        .argParser(parseDuration("--deadline")),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest canaries\n  kimtest canaries --only skip-fsync --only wrong-hash --json",
    )
    .action((options) => canaries(options, deps));
}

export async function canaries(options: CanariesOptions, deps: CliDeps): Promise<void> {
  const [{ loadProfile, settled }, { stateFolderOf }, { createProcesses }, matrix, { printableData }, { jsonText }] =
    await Promise.all([
      import("../../runner/profiles/load.ts"),
      import("../../runner/open-runner.ts"),
      import("../../runner/platform/processes.ts"),
      import("../../runner/phases/vopr/canary-matrix.ts"),
      import("../../runner/phases/digest/printable.ts"),
      import("../json.ts"),
    ]);
  const profile = settled(await loadProfile(options.profile), stateFolderOf(DEFAULT_STORE));
  const workers = options.workers ?? availableParallelism();
  const notes = await mkdtemp(join(tmpdir(), "kimtest-canaries-"));
  const startedAt = new Date(deps.now()).toISOString();
  const startedMs = performance.now();
  try {
    const hunting = {
      processes: createProcesses(notes),
      profile,
      workers,
      deadlineMs: options.deadline,
      signal: deps.stop,
    };
    const planted = chosen(await matrix.listCanaries(hunting), options.only);
    const hunts = await matrix.huntCanaries(planted, hunting);
    const report: CanaryMatrix = {
      profile: profile.name,
      started_at: startedAt,
      elapsed_seconds: (performance.now() - startedMs) / 1000,
      workers,
      max_seeds: matrix.MAX_SEEDS,
      deadline_seconds: options.deadline / 1000,
      ...matrix.scoreOf(hunts),
      canaries: hunts,
    };
    deps.out(options.json ? jsonText(report) : matrixText(printableData(report)));
    deps.setExitCode(exitCodeOf(report));
  } catch (error) {
    if (!deps.stop.aborted) throw error;
    deps.setExitCode(EXIT.interrupted);
    deps.err("interrupted; nothing is known about the canaries\n");
  } finally {
    await rm(notes, { recursive: true, force: true });
  }
}

function chosen(listed: readonly PlantedCanary[], only: readonly string[]): readonly PlantedCanary[] {
  const unknown = only.find((name) => !listed.some((canary) => canary.name === name));
  if (unknown === undefined) return only.length === 0 ? listed : listed.filter(({ name }) => only.includes(name));
  throw new KimtestError("USAGE", `there is no canary "${unknown}"`, {
    hint: `canaries: ${listed.map(({ name }) => name).join(", ")}`,
  });
}

/** Nothing planted shows nothing. */
function exitCodeOf({ planted, survived, inconclusive }: CanaryMatrix): ExitCode {
  if (survived > 0) return EXIT.failuresFound;
  return inconclusive > 0 || planted === 0 ? EXIT.inconclusive : EXIT.ok;
}

const HEADINGS = ["canary", "meant to find it", "found by", "seed", "tried", "time"];

function matrixText(matrix: CanaryMatrix): string {
  const { planted, found, mutation_score: score, canaries: hunts, elapsed_seconds: elapsed } = matrix;
  const rows = [HEADINGS, ...hunts.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const numeric = HEADINGS.indexOf("seed");
  const table = rows.map((row) =>
    row
      .map((cell, column) => (column < numeric ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  const lost = hunts.flatMap(({ canary, status, reason, repro }) =>
    status === "found" ? [] : [`${status}: ${canary}: ${reason ?? ""}`, `  ${repro}`],
  );
  const percent = score === null ? "nothing was planted" : `${(score * 100).toFixed(1)} %`;
  const summary = `mutation score: ${String(found)} of ${String(planted)} (${percent}), ${elapsed.toFixed(1)} s`;
  return `${[...table, "", ...lost, ...(lost.length === 0 ? [] : [""]), summary].join("\n")}\n`;
}

function rowOf({
  canary,
  meant,
  status,
  failed_by: failedBy,
  seed,
  seeds_tried: tried,
  seconds,
}: CanaryHunt): string[] {
  const others = Object.keys(failedBy).filter((invariant) => invariant !== meant);
  const finders = status === "found" ? [meant, ...others] : [status.toUpperCase()];
  return [
    canary,
    meant,
    finders.join(", "),
    seed === null ? "-" : seed.toString(),
    tried.toLocaleString("en-US"),
    `${seconds.toFixed(1)} s`,
  ];
}
