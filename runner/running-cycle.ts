/**
 * A cycle under way: phases are entered, called and booked, while a clock ticks beside them that counts their time,
 * saves the state, copies it to the store, and tells who watches.
 */
import { CURRENT_CYCLE_KEY, phaseResultKey } from "../contracts/bucket.ts";
import type { Digest } from "../contracts/digest.ts";
import { reasonOf } from "../contracts/errors.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { PhaseName } from "../contracts/parts.ts";
import type { Profile } from "../contracts/profile.ts";
import type { PhaseResult } from "../contracts/results.ts";
import type { Workload } from "../contracts/workloads.ts";
import { cycleLeftMs, phaseBudgetMs, phaseLeftMs } from "./budget.ts";
import { INTERIM_DIGEST_MS, mirrorIntervalMs } from "./cadence.ts";
import { benchmarksPhase } from "./phases/benchmarks/benchmarks.ts";
import type { LiveView, PhaseContext } from "./phases/context.ts";
import { digestPhase, publishCheckpoint, storeInterimDigest } from "./phases/digest/digest.ts";
import { formalVerificationPhase } from "./phases/formal-verification/formal-verification.ts";
import { fuzzPhase } from "./phases/fuzz/fuzz.ts";
import { NO_COMMIT } from "./phases/prepare/commit.ts";
import { preparePhase } from "./phases/prepare/prepare.ts";
import { voprPhase, voprResultSoFar } from "./phases/vopr/vopr.ts";
import { isoAt } from "./platform/clock.ts";
import type { RunnerDependencies } from "./platform/dependencies.ts";
import type { Spectator } from "./platform/progress.ts";
import { ThroughputMeter } from "./platform/throughput.ts";
import { together } from "./platform/together.ts";
import type { CycleStateFile } from "./platform/state-file.ts";
import { snapshotOf } from "./snapshot.ts";

/**
 * A phase that was interrupted so often is given up; VOPR and the digest go on. So does prepare, for long: without
 * it there is nothing to go on with, and a build goes on from what the attempt before has built.
 */
const MAX_ATTEMPTS = { prepare: 50, "formal-verification": 3, benchmarks: 3, fuzz: 3, vopr: Infinity };
const TICK_MS = 250;

export interface CycleOptions {
  readonly profile: Profile;
  readonly budgetMs: number;
  /** Processes at the same time. */
  readonly workers: number;
  /** The state machine's file; its folder must exist. */
  readonly statePath: string;
  /** Aborted by a spot notice, SIGTERM or Ctrl-C. */
  readonly signal: AbortSignal;
  readonly spectator: Spectator;
  /** Workloads that are not run, each with the reason that the digest gives. */
  readonly skipped?: ReadonlyMap<Workload, string>;
}

/** The moving parts around the phases: time keeping, saving, mirroring, telling. */
export class RunningCycle {
  readonly #dependencies: RunnerDependencies;
  readonly #options: CycleOptions;
  readonly #file: CycleStateFile;
  readonly #live: LiveView = { activity: "", iterationsInFlight: 0 };
  readonly #throughput: ThroughputMeter;
  #tickedMs: number;
  #savedMs: number;
  #mirroredMs: number;

  constructor(dependencies: RunnerDependencies, options: CycleOptions, file: CycleStateFile) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#file = file;
    this.#throughput = new ThroughputMeter(dependencies.metrics);
    this.#tickedMs = this.#savedMs = this.#mirroredMs = dependencies.clock.monotonicMs();
  }

  /** False when the runner was stopped under the phase. */
  async runPhase(phase: Exclude<PhaseName, "digest">): Promise<boolean> {
    const { spectator, profile, signal } = this.#options;
    const reason = phase === "prepare" ? undefined : this.#whyNot(phase);
    if (reason !== undefined) {
      // Its time is not spent, so that VOPR has it. No result and a reason: inconclusive in the digest.
      this.#file.change((state) => ({ ...state, phase }));
      this.#giveUp(phase, reason);
      await this.#file.save();
      return !signal.aborted;
    }
    const attempts = await this.#enter(phase);
    if (attempts > MAX_ATTEMPTS[phase]) {
      this.#giveUp(phase, `interrupted ${String(MAX_ATTEMPTS[phase])} times`);
      return true;
    }
    spectator.phaseStarted(phase, phaseBudgetMs(profile, this.#file.get(), phase));
    let result: PhaseResult | undefined;
    try {
      result = await this.#ticking(phase, (context) => this.#call(phase, context));
    } catch (error) {
      this.#dependencies.log.error({ phase, error }, "the phase failed in itself");
      this.#giveUp(phase, `the runner failed in it: ${reasonOf(error)}`);
    }
    if (result === undefined) {
      await this.#file.save();
      return !signal.aborted;
    }
    const done = result;
    this.#file.change((state) => ({
      ...state,
      results: [...state.results.filter((one) => one.phase !== phase), done],
      // It may be due once more, on another machine: that is no interruption.
      attempts: phase === "prepare" ? { ...state.attempts, prepare: 0 } : state.attempts,
    }));
    await this.#dependencies.outbox.put(phaseResultKey(done.cycle, phase), stringifyJson(done));
    await this.#file.save();
    spectator.phaseEnded(phase, done, done.duration_seconds * 1000);
    return !signal.aborted;
  }

  async runDigest(): Promise<Digest | undefined> {
    const { spectator, profile } = this.#options;
    await this.#enter("digest");
    spectator.phaseStarted("digest", phaseBudgetMs(profile, this.#file.get(), "digest"));
    const digest = await this.#ticking("digest", digestPhase);
    if (digest === undefined) {
      await this.#file.save();
      return undefined;
    }
    this.#file.change((state) => ({ ...state, status: "done", updated_at: isoAt(this.#dependencies.clock.nowMs()) }));
    await this.#file.save();
    this.#dependencies.metrics.count("CycleCompleted", 1);
    await this.#mirror();
    const { outbox, notices } = this.#dependencies;
    const { waiting } = await outbox.flush(DELIVER_MS);
    if (waiting > 0)
      spectator.warning(`${String(waiting)} objects wait on this disk for the store; the next start delivers them`);
    await notices.deliver(SEND_MS, this.#options.signal);
    if (notices.waiting > 0) spectator.warning("the digest could not be sent; it is kept and tried again");
    return digest;
  }

  async #enter(phase: PhaseName): Promise<number> {
    this.#file.change((state) => ({
      ...state,
      phase,
      attempts: { ...state.attempts, [phase]: (state.attempts[phase] ?? 0) + 1 },
      spent_before_attempt_ms: { ...state.spent_before_attempt_ms, [phase]: state.spent_ms[phase] ?? 0 },
    }));
    this.#tickedMs = this.#dependencies.clock.monotonicMs();
    this.#live.activity = "";
    await this.#file.save();
    await this.#mirror();
    return this.#file.get().attempts[phase] ?? 1;
  }

  /** Why a workload is not run: nobody wants it, or the prepare phase says that it cannot be. */
  #whyNot(workload: Workload): string | undefined {
    const { results, given_up: givenUp } = this.#file.get();
    const prepared = results.find((result) => result.phase === "prepare");
    const unprepared = `nothing was prepared: ${givenUp.prepare ?? "the prepare phase has left no result"}`;
    return (
      this.#options.skipped?.get(workload) ?? (prepared === undefined ? unprepared : prepared.cannot_run[workload])
    );
  }

  #giveUp(phase: PhaseName, reason: string): void {
    this.#file.change((state) => ({
      ...state,
      git_commit: state.git_commit ?? NO_COMMIT,
      given_up: { ...state.given_up, [phase]: reason },
    }));
    this.#options.spectator.warning(`${phase}: ${reason}`);
  }

  #call(phase: Exclude<PhaseName, "digest">, context: PhaseContext): Promise<PhaseResult | undefined> {
    const { workers } = this.#options;
    switch (phase) {
      case "prepare":
        return preparePhase(context, {
          skipped: new Set(this.#options.skipped?.keys()),
          cycleLeftMs: () => cycleLeftMs(this.#file.get()),
        });
      case "formal-verification":
        return formalVerificationPhase(context);
      case "benchmarks":
        return benchmarksPhase(context);
      case "fuzz":
        return fuzzPhase(context, workers);
      case "vopr":
        return voprPhase(context, workers);
    }
  }

  #context(phase: PhaseName, signal = this.#options.signal): PhaseContext {
    const { clock, toolchain } = this.#dependencies;
    const prepared = this.#file.get().results.find((result) => result.phase === "prepare");
    return {
      ...this.#dependencies,
      toolchain: prepared === undefined ? toolchain : { ...toolchain, versions: prepared.versions },
      profile: this.#options.profile,
      state: this.#file,
      live: this.#live,
      signal,
      budgetMs: () => phaseBudgetMs(this.#options.profile, this.#file.get(), phase),
      leftMs: () =>
        phaseLeftMs(this.#options.profile, this.#file.get(), phase) - (clock.monotonicMs() - this.#tickedMs),
      worked: () => {
        this.#file.change((state) => ({ ...state, progress_at: isoAt(clock.nowMs()) }));
        this.#dependencies.metrics.count("Progress", 1);
      },
      warn: (message) => {
        this.#options.spectator.warning(message);
        this.#file.change((state) => ({
          ...state,
          warnings: [...new Set([...state.warnings, message])].slice(-MAX_WARNINGS),
        }));
      },
    };
  }

  /** Runs a phase with the clock ticking beside it. Whichever fails stops the other, and both have ended after it. */
  async #ticking<T>(name: PhaseName, phase: (context: PhaseContext) => Promise<T>): Promise<T> {
    const over = new AbortController();
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, failed.signal]);
    let result: { readonly value: T } | undefined;
    const running = phase(this.#context(name, signal))
      .then((value) => {
        result = { value };
      })
      .finally(() => {
        over.abort();
      });
    try {
      await together([running, this.#tickUntil(over.signal)], () => {
        failed.abort();
      });
    } finally {
      this.#accountTime();
    }
    if (result === undefined) throw new Error("a phase ended without a result");
    return result.value;
  }

  async #tickUntil(over: AbortSignal): Promise<void> {
    for (;;) {
      await this.#dependencies.clock.sleep(TICK_MS, over);
      if (over.aborted) return;
      await this.#tick();
    }
  }

  async #tick(): Promise<void> {
    this.#accountTime();
    const snapshot = snapshotOf(this.#file.get(), this.#options.profile, this.#live);
    this.#options.spectator.progress(snapshot);
    const { budget_ms: budgetMs, cycle } = this.#file.get();
    const { clock, metrics, notices, outbox } = this.#dependencies;
    const nowMs = clock.monotonicMs();
    metrics.gauge("OutboxEntries", outbox.waiting());
    this.#throughput.report(nowMs, snapshot.phase === "vopr" ? snapshot.iterationsSeen : undefined);
    // This one's is sent when the cycle is over: a digest phase that was killed makes it again.
    notices.deliverIfDue(SEND_MS, this.#options.signal, cycle);
    if (nowMs - this.#savedMs >= clamp(budgetMs / 90, 250, 15_000)) {
      this.#savedMs = nowMs;
      await this.#file.save();
    }
    if (nowMs - this.#mirroredMs >= mirrorIntervalMs(budgetMs)) await this.#mirror();
    await this.#interimDigest();
  }

  /** Adds the time since the last tick to the running phase. */
  #accountTime(): void {
    const nowMs = this.#dependencies.clock.monotonicMs();
    const elapsedMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    this.#file.change((state) => ({
      ...state,
      updated_at: isoAt(this.#dependencies.clock.nowMs()),
      spent_ms: { ...state.spent_ms, [state.phase]: (state.spent_ms[state.phase] ?? 0) + elapsedMs },
    }));
  }

  /** Copies for people and for a machine that loses its disk: when they cannot be made, the cycle goes on. */
  async #mirror(): Promise<void> {
    this.#mirroredMs = this.#dependencies.clock.monotonicMs();
    const { phase } = this.#file.get();
    try {
      await this.#dependencies.outbox.put(CURRENT_CYCLE_KEY, stringifyJson(this.#file.get()), { supersedes: true });
      await publishCheckpoint(this.#context(phase));
    } catch (error) {
      this.#context(phase).warn(`the state could not be copied to the store: ${reasonOf(error)}`);
    }
  }

  async #interimDigest(): Promise<void> {
    const state = this.#file.get();
    const spentMs = state.budget_ms - cycleLeftMs(state);
    if (state.phase === "digest" || spentMs - state.interim_digest_at_ms < INTERIM_DIGEST_MS) return;
    this.#file.change((now) => ({ ...now, interim_digest_at_ms: spentMs }));
    const context = this.#context(state.phase);
    const running = state.phase === "vopr" ? voprResultSoFar(context, this.#options.workers) : undefined;
    try {
      await storeInterimDigest(context, running);
    } catch (error) {
      context.warn(`no interim digest could be stored: ${reasonOf(error)}`);
    }
  }
}

const MAX_WARNINGS = 50;
/** How long the very end waits for the digest to be sent. */
const SEND_MS = 35_000;
/** How long the very end waits for the store; what it does not take by then waits in the outbox for the next start. */
const DELIVER_MS = 5_000;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
