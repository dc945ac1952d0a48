/** What is known of one target of cargo-fuzz in the course of its phase, and the verdict on it. */
import { join } from "node:path";
import type { CargoFuzzProfile } from "../../../contracts/profile/fuzz.ts";
import type { CorpusMinimized, FuzzResult } from "../../../contracts/results.ts";
import { inconclusive, type Judgement } from "../../../contracts/verdict.ts";
import { corpusFolder } from "../../platform/folders.ts";
import { isFolder } from "../../platform/is-folder.ts";
import { CorpusSync } from "../../tools/corpus-sync.ts";
import { executableOf, type CargoFuzz, type FuzzBuild } from "../../tools/cargo-fuzz.ts";
import { addStatistics, judgeFuzzing, type FuzzTargetRun } from "../../tools/fuzz-run.ts";
import { NO_STATISTICS, type FuzzStatistics, type LibFuzzerOptions } from "../../tools/libfuzzer.ts";
import { fuzzSignature, sightingsOf } from "../../triage/fuzz-archive.ts";
import type { PhaseContext } from "../context.ts";
import type { Share } from "./shares.ts";

export type TargetResult = FuzzResult["targets"][string];

export class FuzzTarget {
  readonly name: string;
  readonly corpus: CorpusSync;
  readonly seedFolders: readonly string[];
  /** How one input is run. */
  readonly forOneInput: Pick<LibFuzzerOptions, "executable" | "timeoutSeconds" | "memoryMebibytes">;
  state: Share["state"] = "building";
  /** Core time used, that of running slices included. */
  usedMs = 0;
  slices = 0;
  /** Left of what the profile allows for making findings shorter. */
  minimizeLeftMs: number;
  archived = 0;
  minimized: CorpusMinimized | null = null;
  /** Why nothing can be said of it, once that is known. */
  trouble: string | undefined;
  logKey: string | null = null;
  /** Archives beside those of the cycle's sightings: inputs that did not fail again. */
  readonly unclearKeys: string[] = [];
  #buildMs: number | null = null;
  #fuzzedMs = 0;
  #failures = 0;
  #failing = new Set<string>();
  #statistics: FuzzStatistics = NO_STATISTICS;
  #hasUsedItsTime = false;
  #isBlocked = false;

  constructor(context: PhaseContext, profile: CargoFuzzProfile, tool: CargoFuzz, name: string) {
    const limits = profile.target_limits[name] ?? profile;
    this.name = name;
    this.corpus = new CorpusSync(context.store, name, corpusFolder(context.stateFolder, name));
    this.seedFolders = (profile.seed_folders[name] ?? []).map((folder) => join(context.profile.work_tree, folder));
    this.forOneInput = {
      executable: executableOf(tool, name),
      timeoutSeconds: limits.timeout_seconds,
      memoryMebibytes: limits.memory_mebibytes,
    };
    this.minimizeLeftMs = profile.minimize_seconds * 1000;
  }

  /** What a fuzzer reads; it writes into the first. */
  async corpusFolders(): Promise<string[]> {
    const folders = [this.corpus.folder];
    for (const folder of this.seedFolders) if (await isFolder(folder)) folders.push(folder);
    return folders;
  }

  noteBuild({ judgement, durationMs }: FuzzBuild): void {
    this.#buildMs = durationMs;
    if (judgement.verdict !== "passed") this.close(judgement.reason ?? "it was not built");
  }

  noteRun(run: FuzzTargetRun): void {
    this.#fuzzedMs += run.durationMs;
    this.#failures += run.failures;
    this.#statistics = addStatistics(this.#statistics, run.statistics);
    this.#hasUsedItsTime ||= run.hasUsedItsTime;
    for (const one of run.failing) this.#failing.add(one);
    if (run.problem !== undefined) this.close(run.problem);
    // It would be blocked again: the others have more use for the time.
    if (run.isBlocked) {
      this.#isBlocked = true;
      this.state = "closed";
    }
  }

  /** Nothing more is done with it, and nothing can be said of it unless it failed before. */
  close(trouble: string): void {
    this.state = "closed";
    this.trouble ??= trouble;
  }

  /**
   * What failed in this cycle counts, also when an attempt found it that was interrupted: a fuzzer that is started
   * again need not find it again.
   */
  async result(context: PhaseContext): Promise<TargetResult> {
    const sightings = sightingsOf(context.state.get().sightings, this.name);
    const failures = sightings.filter(({ signature }) => signature !== fuzzSignature(this.name, "slow-unit"));
    const { executions, edges } = this.#statistics;
    const judgement = judgeFuzzing({
      failing: [...new Set([...failures.map(({ message }) => message), ...this.#failing])],
      failures: Math.max(
        this.#failures,
        failures.reduce((sum, { count }) => sum + count, 0),
      ),
      statistics: this.#statistics,
      hasUsedItsTime: this.#hasUsedItsTime,
      problem: this.trouble ?? (this.slices === 0 ? "no time was left to fuzz it" : undefined),
      isBlocked: this.#isBlocked,
      isStopped: false,
    });
    return {
      ...named(this.name, judgement),
      duration_seconds: this.#fuzzedMs / 1000,
      executions,
      executions_per_second: this.#fuzzedMs === 0 ? 0 : executions / (this.#fuzzedMs / 1000),
      failure_keys: [...sightings.map(({ failure_key: key }) => key), ...this.unclearKeys],
      build_seconds: this.#buildMs === null ? null : this.#buildMs / 1000,
      edges: this.#fuzzedMs === 0 ? null : edges,
      corpus_inputs: this.#buildMs === null ? null : (await this.corpus.local()).length,
      corpus_minimized: this.minimized,
      log_key: this.logKey,
    };
  }
}

/** A target that was not even tried. */
export function untried(name: string, reason: string): TargetResult {
  return {
    ...named(name, inconclusive(reason)),
    duration_seconds: 0,
    executions: 0,
    executions_per_second: 0,
    failure_keys: [],
    build_seconds: null,
    edges: null,
    corpus_inputs: null,
    corpus_minimized: null,
    log_key: null,
  };
}

const named = (name: string, { verdict, reason }: Judgement): Judgement => ({
  verdict,
  reason: reason === null ? null : `${name}: ${reason}`,
});
