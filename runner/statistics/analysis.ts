/**
 * What the history of one benchmark says: its changes, its noise, and a verdict with its ground.
 *
 * `passed` means that a change of `noise.smallestDetectable` would have been seen, not that there is none. Too few
 * runs or too much noise are inconclusive. A change across which the commit stayed the same is no change of
 * the code and is inconclusive too: the machine or its surroundings changed.
 */
import type { BaselineLevel } from "../../contracts/benchmark-history.ts";
import { failed, inconclusive, PASSED, type Judgement } from "../../contracts/verdict.ts";
import { changePoints, type ChangePoint } from "./change-points.ts";
import { intervalOf } from "./difference.ts";
import { stretchOf } from "./location.ts";
import { noiseProfile, type NoiseProfile } from "./noise.ts";
import { median } from "./robust.ts";
import type { Direction, Series, SeriesPoint } from "./series.ts";
import { CHANGE_SETTINGS, CONFIDENCE, MAX_DETECTABLE, MIN_RUNS, YOUNG_DAYS } from "./settings.ts";
import { twoSidedP } from "./student.ts";

/** A share of the level before: 0.05 is 5 % more, of times and of throughputs alike. */
export interface RelativeChange {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
  /** Of the interval. It does not know that the place of the change was searched for. */
  readonly confidence: number;
}

export interface Change {
  readonly kind: "regression" | "improvement";
  readonly relative: RelativeChange;
  readonly p: number;
  /** Medians of the stretches before and after, in the series' unit. */
  readonly before: number;
  readonly after: number;
  readonly runsBefore: number;
  readonly runsAfter: number;
  /** The runs between which it most likely happened. */
  readonly lastBefore: SeriesPoint;
  readonly firstAfter: SeriesPoint;
  /** The runs between which it happened with the same confidence as the interval's; the suspected commits lie here. */
  readonly range: { readonly lastBefore: SeriesPoint; readonly firstAfter: SeriesPoint };
  /** One commit in the whole range: the code did not change. */
  readonly sameCommit: boolean;
  /** The level after it was accepted as baseline. */
  readonly accepted: boolean;
}

/** The newest level against the accepted one: many changes, each too small to be seen, add up to it. */
export interface Drift {
  readonly relative: number;
  readonly p: number;
  readonly baseline: BaselineLevel;
}

/**
 * What a verdict rests on. `young`: the history begins, with too few runs for anything. `noise`: runs there are, but the
 * machine or its surroundings keep anything from being said.
 */
export type Ground = "clean" | "change" | "noise" | "young";

interface Grounded {
  readonly judgement: Judgement;
  readonly ground: Ground;
}

export interface SeriesAnalysis extends Grounded {
  readonly series: Series;
  /** Oldest first. */
  readonly changes: readonly Change[];
  /** Regressions that were neither undone nor accepted. */
  readonly open: readonly Change[];
  readonly drift: Drift | null;
  /** Null with too few runs. */
  readonly noise: NoiseProfile | null;
  /** How far the newest run lies from the newest level, as a share and in robust deviations; above 4 is worth a look. */
  readonly newest: { readonly relative: number; readonly deviations: number } | null;
}

export interface AnalysisInput {
  readonly series: Series;
  /** Logs of the values, with or without the machine's common part (machine-effect.ts). */
  readonly logs: readonly number[];
  readonly baseline: BaselineLevel | undefined;
}

export function analyseSeries({ series, logs, baseline }: AnalysisInput): SeriesAnalysis {
  if (logs.length !== series.points.length) throw new RangeError("one log for each point is needed");
  if (logs.length < MIN_RUNS) {
    return { series, ...tooFewRuns(series), changes: [], open: [], drift: null, noise: null, newest: null };
  }
  const points = changePoints(logs, CHANGE_SETTINGS);
  const levels = levelsOf(logs, points);
  const noise = noiseProfile(levels);
  const changes = points.map((point) => changeOf(series, logs, point, baseline));
  const open = changes.filter((change, place) => isOpen(change, levels[place]!, levels.at(-1)!, series.direction));
  const drift = baseline === undefined ? null : driftOf(series, levels.at(-1)!.length, baseline, noise);
  return {
    series,
    ...judge(series, open, drift, noise),
    changes,
    open,
    drift,
    noise,
    newest: newestOf(levels.at(-1)!, noise),
  };
}

/** The stretches between the changes; never empty. */
function levelsOf(logs: readonly number[], points: readonly ChangePoint[]): number[][] {
  const cuts = [0, ...points.map(({ index }) => index), logs.length];
  return cuts.slice(1).map((end, place) => logs.slice(cuts[place], end));
}

function changeOf(
  series: Series,
  logs: readonly number[],
  point: ChangePoint,
  baseline: BaselineLevel | undefined,
): Change {
  const { points } = series;
  const { index, from, to } = point;
  const interval = intervalOf(point, CONFIDENCE);
  const { earliest, latest } = stretchOf(logs, point);
  const suspects = points.slice(earliest - 1, latest + 1);
  const firstAfter = points[index]!;
  return {
    kind: isWorse(point.difference, series.direction) ? "regression" : "improvement",
    relative: {
      estimate: Math.expm1(point.difference),
      lower: Math.expm1(interval.lower),
      upper: Math.expm1(interval.upper),
      confidence: CONFIDENCE,
    },
    p: point.p,
    before: Math.exp(median(logs.slice(from, index))),
    after: Math.exp(median(logs.slice(index, to))),
    runsBefore: index - from,
    runsAfter: to - index,
    lastBefore: points[index - 1]!,
    firstAfter,
    range: { lastBefore: suspects[0]!, firstAfter: suspects.at(-1)! },
    sameCommit: new Set(suspects.map(({ gitCommit }) => gitCommit)).size === 1,
    accepted: baseline !== undefined && Date.parse(firstAfter.at) <= Date.parse(baseline.last_run_at),
  };
}

const isWorse = (difference: number, direction: Direction): boolean =>
  direction === "lower-is-better" ? difference > 0 : difference < 0;

/** The newest level is still worse than the one before the change. */
function isOpen(change: Change, before: readonly number[], newest: readonly number[], direction: Direction): boolean {
  if (change.kind !== "regression" || change.accepted) return false;
  const difference = median(newest) - median(before);
  return isWorse(difference, direction) && Math.abs(difference) >= CHANGE_SETTINGS.minDifference;
}

/** On the values as measured: a common part has no zero that lasts as long as a baseline. */
function driftOf(series: Series, runs: number, baseline: BaselineLevel, noise: NoiseProfile): Drift | null {
  const logs = series.points.slice(-runs).map(({ value }) => Math.log(value));
  const difference = median(logs) - Math.log(baseline.level_ns);
  const deviation = Math.max(noise.relativeDeviation, baseline.noise, Number.EPSILON);
  const p = twoSidedP(
    difference / (deviation * Math.sqrt(1 / runs + 1 / baseline.runs)),
    Math.max(1, runs + baseline.runs - 2),
  );
  const real = Math.abs(difference) >= CHANGE_SETTINGS.minDifference && p <= CHANGE_SETTINGS.maxP;
  return real && isWorse(difference, series.direction) ? { relative: Math.expm1(difference), p, baseline } : null;
}

function newestOf(level: readonly number[], noise: NoiseProfile): SeriesAnalysis["newest"] {
  const off = level.at(-1)! - Math.log(noise.level);
  const deviation = Math.log1p(noise.relativeDeviation);
  return { relative: Math.expm1(off), deviations: deviation === 0 ? 0 : Math.abs(off) / deviation };
}

function tooFewRuns(series: Series): Grounded {
  const { benchmark, points, loudRuns } = series;
  const left = loudRuns === 0 ? "" : `; ${loudRuns} left out, the machine was not quiet`;
  const days = (Date.parse(points.at(-1)?.at ?? "") - Date.parse(points[0]?.at ?? "")) / 86_400_000;
  const isYoung = points.length + loudRuns < MIN_RUNS && !(days > YOUNG_DAYS);
  return {
    judgement: inconclusive(`${benchmark}: ${points.length} of ${MIN_RUNS} runs needed${left}`),
    ground: isYoung ? "young" : "noise",
  };
}

function judge(series: Series, open: readonly Change[], drift: Drift | null, noise: NoiseProfile): Grounded {
  const name = series.benchmark;
  const byCode = open.filter(({ sameCommit }) => !sameCommit);
  if (byCode.length > 0)
    return {
      judgement: failed(byCode.map((change) => `${name}: ${changeText(change)}`).join("; ")),
      ground: "change",
    };
  const [elsewhere] = open;
  if (elsewhere !== undefined)
    return {
      judgement: inconclusive(
        `${name}: ${changeText(elsewhere)}, with one commit throughout: not a change of the code`,
      ),
      ground: "noise",
    };
  if (drift !== null) return { judgement: failed(`${name}: ${driftText(drift)}`), ground: "change" };
  if (noise.smallestDetectable > MAX_DETECTABLE)
    return {
      judgement: inconclusive(
        `${name}: too noisy, only a change of ${percent(noise.smallestDetectable)} or more would be seen`,
      ),
      ground: "noise",
    };
  return { judgement: PASSED, ground: "clean" };
}

/** For people: `+5.2 % (95 % interval +3.9 to +6.4 %), after 1a2b3c and up to 4d5e6f`. */
export function changeText({ relative, range }: Change): string {
  const { estimate, lower, upper, confidence } = relative;
  const interval = `${String(Math.round(confidence * 100))} % interval ${signedPercent(lower)} to ${signedPercent(upper)}`;
  const commit = (point: SeriesPoint): string => point.gitCommit.slice(0, 12);
  return `${signedPercent(estimate)} (${interval}), after ${commit(range.lastBefore)} and up to ${commit(range.firstAfter)}`;
}

/** For people: `+3.1 % from the level accepted at 1a2b3c (1000, 2026-01-15) without a single clear step`. */
export function driftText({ relative, baseline }: Drift): string {
  const { level_ns, git_commit, last_run_at } = baseline;
  const accepted = `the level accepted at ${git_commit.slice(0, 12)} (${level_ns.toPrecision(4)}, ${last_run_at.slice(0, 10)})`;
  return `${signedPercent(relative)} from ${accepted} without a single clear step`;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const signedPercent = (share: number): string => `${share < 0 ? "" : "+"}${percent(share)}`;
