/**
 * Fuzzing with cargo-fuzz: each target is built apart, and the targets share the cores.
 *
 * One worker per core. The first of them builds, one target after the other, as cargo would do it anyway; the
 * others fuzz what is built already, and the first joins them when everything is. They take slices of the target
 * that has had least (shares.ts). After each slice its corpus is complete on the disk and its findings are
 * archived; beside it the corpora are saved every few minutes. Time for building is no fuzzing time.
 *
 * A runner that is stopped leaves inputs and corpora on the disk, and the next attempt picks them up.
 */
import { join } from "node:path";
import type { CanaryResult } from "../../../contracts/canary.ts";
import type { CargoFuzzProfile } from "../../../contracts/profile/fuzz.ts";
import { PROGRESS_INTERVAL_MS } from "../../../contracts/progress.ts";
import type { FuzzResult } from "../../../contracts/results.ts";
import { worstOf } from "../../../contracts/verdict.ts";
import { artifactFolder, fuzzBuildFolder } from "../../platform/folders.ts";
import { isFolder } from "../../platform/is-folder.ts";
import { together } from "../../platform/together.ts";
import {
  buildTarget,
  hostTriple,
  listTargets,
  planTargets,
  versionCommand,
  type CargoFuzz,
} from "../../tools/cargo-fuzz.ts";
import { runFuzzTarget } from "../../tools/fuzz-run.ts";
import { lastWords, notByItself, runTool } from "../../tools/tool-run.ts";
import { resultFrame, stopwatch, type PhaseContext } from "../context.ts";
import { storeLog } from "../logs.ts";
import { Corpora } from "./corpora.ts";
import { Findings } from "./findings.ts";
import { FuzzTarget, untried, type TargetResult } from "./fuzz-target.ts";
import { notRun, runPlanted } from "./planted.ts";
import { seedOf } from "./seed.ts";
import { MIN_SLICE_MS, nextTurn } from "./shares.ts";

/** For what only asks cargo. */
const ASK_LIMIT_MS = 120_000;
/** Kept from fuzzing, for the findings of the last slices and the last inputs: a share of the phase. */
const RESERVE_SHARE = 0.02;
const MAX_RESERVE_MS = 120_000;
const MIN_RESERVE_MS = 1_000;
/** How much later than its slice a process at the end of the phase may end by itself. */
const LAST_INPUT_MS = 2_000;
const LOOK_AGAIN_MS = 200;
const SAVE_INTERVAL_MS = 5 * 60_000;
const LAST_SAVE_MS = 60_000;
/** Children have been stopped by then; a stop has ten seconds for everything. */
const SAVE_AFTER_STOP_MS = 1_500;

export async function cargoFuzzPhase(
  context: PhaseContext,
  profile: CargoFuzzProfile,
  workers: number,
): Promise<FuzzResult | undefined> {
  const started = stopwatch(context);
  const isStopped = (): boolean => context.signal.aborted;
  context.live.activity = "listing the targets";
  const asked = await askCargo(context, profile);
  if (isStopped()) return undefined;
  const campaign = "problem" in asked ? undefined : new Campaign(context, profile, asked.tool, workers);
  const targets: Record<string, TargetResult> = {};
  if ("problem" in asked) {
    for (const name of profile.targets) targets[name] = untried(name, asked.problem);
  } else {
    const { fuzz, missing, forgotten } = planTargets(asked.listed, profile.targets, profile.left_out);
    if (forgotten.length > 0) {
      context.warn(`nobody fuzzes ${forgotten.join(", ")}: add to fuzz.targets or to fuzz.left_out of the profile`);
    }
    for (const name of missing) targets[name] = untried(name, "`cargo fuzz list` does not know it");
    Object.assign(targets, await campaign?.run(fuzz));
  }
  if (isStopped()) return undefined;
  return {
    phase: "fuzz",
    ...worstOf(Object.values(targets)),
    ...resultFrame(context, started),
    targets,
    canary: campaign?.canary ?? notRun(context, "problem" in asked ? asked.problem : "it was not run"),
  };
}

export type Asked = { readonly tool: CargoFuzz; readonly listed: readonly string[] } | { readonly problem: string };

export async function askCargo(context: PhaseContext, profile: CargoFuzzProfile): Promise<Asked> {
  const { processes, signal } = context;
  const cwd = context.profile.work_tree;
  const limits = { deadlineMs: Math.max(1, Math.min(ASK_LIMIT_MS, context.leftMs())), signal };
  const version = await runTool(processes, { ...limits, command: versionCommand(profile), cwd });
  const triple = hostTriple(version.text);
  if (triple === undefined) {
    return {
      problem: `no version of cargo: ${notByItself(version) ?? `${version.end.description}${lastWords(version.text)}`}`,
    };
  }
  const { cargo, folder: fuzzFolder, sanitizer } = profile;
  const tool = { cargo, folder: cwd, fuzzFolder, buildFolder: fuzzBuildFolder(context.stateFolder), triple, sanitizer };
  const listed = await listTargets(processes, tool, limits);
  return "problem" in listed ? { problem: `cargo fuzz list: ${listed.problem}` } : { tool, listed: listed.targets };
}

/** The work on all targets. */
class Campaign {
  canary: CanaryResult | undefined;
  readonly #context: PhaseContext;
  readonly #profile: CargoFuzzProfile;
  readonly #tool: CargoFuzz;
  readonly #workers: number;
  readonly #corpora: Corpora;
  readonly #findings: Findings;
  readonly #targets = new Map<string, FuzzTarget>();
  /** When each running slice will end. */
  readonly #endsMs = new Map<number, number>();
  readonly #failed = new AbortController();
  #workedMs = -Infinity;

  constructor(context: PhaseContext, profile: CargoFuzzProfile, tool: CargoFuzz, workers: number) {
    // A worker that fails in itself stops the others.
    this.#context = { ...context, signal: AbortSignal.any([context.signal, this.#failed.signal]) };
    this.#profile = profile;
    this.#tool = tool;
    this.#workers = workers;
    this.#corpora = new Corpora(this.#context);
    this.#findings = new Findings(this.#context, profile);
  }

  /** Results by target; of no use when the runner was stopped. */
  async run(names: readonly string[]): Promise<Record<string, TargetResult>> {
    for (const name of names) {
      this.#targets.set(name, new FuzzTarget(this.#context, this.#profile, this.#tool, name));
    }
    const over = new AbortController();
    const saving = this.#keepSaving(over.signal);
    try {
      await together(
        Array.from({ length: this.#workers }, (_, slot) => this.#work(slot)),
        () => {
          this.#failed.abort();
        },
      );
    } finally {
      over.abort();
      await saving;
    }
    const { aborted } = this.#context.signal;
    await this.#corpora.save(this.#restored(), aborted ? SAVE_AFTER_STOP_MS : LAST_SAVE_MS, never);
    const results: Record<string, TargetResult> = {};
    if (!aborted)
      for (const target of this.#targets.values()) results[target.name] = await target.result(this.#context);
    return results;
  }

  async #work(slot: number): Promise<void> {
    if (slot === 0) await this.#buildAll();
    while (!this.#context.signal.aborted) {
      const turn = this.#nextTurn();
      if (turn.kind === "end") return;
      if (turn.kind === "wait") await this.#context.clock.sleep(LOOK_AGAIN_MS, this.#context.signal);
      else await this.#fuzz(this.#targets.get(turn.target)!, turn.ms, slot);
    }
  }

  #nextTurn() {
    const leftMs = this.#leftMs();
    const nowMs = this.#context.clock.monotonicMs();
    const takenMs = [...this.#endsMs.values()].reduce((sum, endMs) => sum + Math.max(0, endMs - nowMs), 0);
    const shares = [...this.#targets.values()].map(({ name, usedMs, state }) => ({ target: name, usedMs, state }));
    return nextTurn(shares, { leftMs, coreMs: Math.max(0, this.#workers * leftMs - takenMs) });
  }

  async #buildAll(): Promise<void> {
    const { signal, live } = this.#context;
    live.activity = "building and running the planted crash";
    this.canary = await runPlanted(this.#context, this.#profile, this.#tool, {
      compiling: this.#compiling,
      worked: this.#worked,
    });
    for (const target of this.#targets.values()) {
      if (signal.aborted) return;
      if (this.#leftMs() < MIN_SLICE_MS) target.close("no time was left to build it");
      else await this.#prepare(target);
    }
  }

  /** Builds it, and brings its corpus here meanwhile. */
  async #prepare(target: FuzzTarget): Promise<void> {
    const { processes, signal } = this.#context;
    const beganMs = this.#context.clock.monotonicMs();
    const shareMs = (this.#leftMs() * this.#workers) / this.#targets.size;
    this.#context.live.activity = `building ${target.name}`;
    const deadlineMs = Math.min(this.#profile.build_deadline_seconds * 1000, this.#leftMs());
    const [build] = await Promise.all([
      buildTarget(processes, this.#tool, target.name, { deadlineMs, signal, watch: this.#compiling }),
      this.#corpora.restore(target, shareMs / 4),
    ]);
    if (signal.aborted) return;
    target.noteBuild(build);
    if (build.judgement.verdict !== "passed") {
      target.logKey = await storeLog(this.#context, target.name, build.log);
      return;
    }
    this.#worked();
    for (const folder of target.seedFolders) {
      if (!(await isFolder(folder))) this.#context.warn(`${target.name}: there is no folder of seeds ${folder}`);
    }
    await this.#findings.keepLeftOvers(target);
    await this.#corpora.minimizeIfDue(target, shareMs / 8);
    this.#context.log.info(
      { target: target.name, build_ms: build.durationMs, ready_ms: this.#context.clock.monotonicMs() - beganMs },
      "target built",
    );
    if (target.state === "building") target.state = "ready";
  }

  async #fuzz(target: FuzzTarget, ms: number, slot: number): Promise<void> {
    const { clock, processes, signal, state, stateFolder } = this.#context;
    const beganMs = clock.monotonicMs();
    target.usedMs += ms; // so that no other worker takes it for the one that had least
    target.slices += 1;
    this.#endsMs.set(slot, beganMs + ms);
    this.#context.live.activity = `fuzzing ${target.name}`;
    let executions = 0;
    const run = await runFuzzTarget(processes, {
      ...target.forOneInput,
      target: target.name,
      corpusFolders: await target.corpusFolders(),
      artifactFolder: join(artifactFolder(stateFolder, target.name), String(slot)),
      fuzzingMs: ms,
      overtimeMs: Math.max(0, this.#leftMs() - ms) + LAST_INPUT_MS,
      seed: seedOf(state.get().cycle, `${target.name} ${String(target.slices)}`),
      arguments: [],
      signal,
      onProgress: (statistics) => {
        if (statistics.executions > executions) this.#worked();
        executions = statistics.executions;
      },
    });
    if (!signal.aborted) {
      target.noteRun(run);
      if (run.problem !== undefined) target.logKey = await storeLog(this.#context, target.name, run.log);
      await this.#findings.keep(target, run.findings);
    }
    this.#endsMs.delete(slot);
    target.usedMs += clock.monotonicMs() - beganMs - ms;
  }

  async #keepSaving(over: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([over, this.#context.signal]);
    for (;;) {
      await this.#context.clock.sleep(SAVE_INTERVAL_MS, stop);
      if (stop.aborted) return;
      await this.#corpora.save(this.#restored(), SAVE_INTERVAL_MS, stop);
    }
  }

  /** Also those that did not build: an earlier life may have left inputs that the store has not. */
  #restored(): FuzzTarget[] {
    return [...this.#targets.values()].filter(({ state }) => state !== "building");
  }

  /** Until the last slice has to end. */
  #leftMs(): number {
    const reserveMs = this.#context.budgetMs() * RESERVE_SHARE;
    return this.#context.leftMs() - Math.min(MAX_RESERVE_MS, Math.max(MIN_RESERVE_MS, reserveMs));
  }

  readonly #compiling = (line: string): void => {
    if (/^ *Compiling /.test(line)) this.#worked();
  };

  /** Work was really done: said about once a minute. */
  readonly #worked = (): void => {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#workedMs < PROGRESS_INTERVAL_MS) return;
    this.#workedMs = nowMs;
    this.#context.worked();
  };
}

const never = new AbortController().signal;
