/** `kimtest infra-status`: what is going on, on one screen. A part that cannot be read says so, the rest is shown. */
import type { ChalkInstance } from "chalk";
import type { z } from "zod";
import type { CycleState } from "../../contracts/cycle.ts";
import type { Digest } from "../../contracts/digest.ts";
import { KimtestError, reasonOf, type ExitCode } from "../../contracts/errors.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import type { CliDeps } from "../deps.ts";
import { withResults, type ResultsChoice } from "../store.ts";
import { jsonOption } from "./options.ts";
import { readingCommand } from "./options-place.ts";

interface InfraStatusOptions extends ResultsChoice {
  readonly json?: true | undefined;
}

/** A running cycle without real work for so long is stuck (the no-progress alarm's 15 minutes). */
const STUCK_MS = 15 * 60_000;
/** The rest is in the digest. */
const MAX_FINDINGS = 10;

export function infraStatusCommand(deps: CliDeps) {
  return readingCommand("infra-status")
    .description("Show the running cycle and the newest digest.")
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest infra-status\n  kimtest infra-status --store s3://my-results --json")
    .action((options) => infraStatus(options, deps));
}

type Part<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly reason: string; readonly exitCode: ExitCode };

export async function infraStatus(options: InfraStatusOptions, deps: CliDeps): Promise<void> {
  const [{ cycleStateSchema }, { digestSchema }, { CURRENT_CYCLE_KEY, DIGEST_KEY }] = await Promise.all([
    import("../../contracts/cycle.ts"),
    import("../../contracts/digest.ts"),
    import("../../contracts/bucket.ts"),
  ]);
  await withResults(options, deps, async (store) => {
    const [cycle, digest] = await Promise.all([
      readPart(store, CURRENT_CYCLE_KEY, cycleStateSchema),
      readPart(store, DIGEST_KEY, digestSchema),
    ]);
    if (cycle.kind === "absent" && digest.kind === "absent") {
      throw new KimtestError("NOT_FOUND", `no cycle has ever run on ${store.url}`, {
        hint: "start one with `npm run cycle`",
      });
    }
    const unreadable = [cycle, digest].find((part) => part.kind === "unreadable");
    if (unreadable !== undefined) deps.setExitCode(unreadable.exitCode);
    if (options.json) {
      const { jsonText } = await import("../json.ts");
      deps.out(jsonText({ store: store.url, cycle: jsonPart(cycle), digest: jsonPart(digest) }));
      return;
    }
    const { printableData } = await import("../../runner/phases/digest/printable.ts");
    const colour = await deps.colours("stdout");
    const lines = [
      `store    ${store.url}`,
      ...cycleLines(printableData(cycle), deps.now(), colour),
      ...digestLines(printableData(digest), deps.now(), colour),
    ];
    deps.out(`${lines.join("\n")}\n`);
  });
}

async function readPart<T>(store: ObjectStore, key: string, schema: z.ZodType<T>): Promise<Part<T>> {
  const { readJson } = await import("../../runner/store/read-json.ts");
  try {
    const read = await readJson(store, key, schema);
    return read === undefined ? { kind: "absent" } : { kind: "read", value: read.value };
  } catch (error) {
    if (!(error instanceof KimtestError)) throw error;
    return { kind: "unreadable", reason: reasonOf(error), exitCode: error.exitCode };
  }
}

function jsonPart<T>(part: Part<T>): unknown {
  if (part.kind === "read") return part.value;
  return part.kind === "absent" ? null : { error: part.reason };
}

function cycleLines(part: Part<CycleState>, nowMs: number, colour: ChalkInstance): string[] {
  if (part.kind === "absent") return ["cycle    none on record"];
  if (part.kind === "unreadable") return [colour.red(`cycle    cannot be read: ${part.reason}`)];
  const state = part.value;
  const commit = state.git_commit === null ? "commit not known yet" : `commit ${state.git_commit.slice(0, 12)}`;
  const title = `cycle    ${String(state.cycle)}, profile ${state.profile}, ${commit}`;
  if (state.status === "done") return [title, `         done, ${ago(state.updated_at, nowMs)}`];
  const spentMs = Object.values(state.spent_ms).reduce((sum, ms) => sum + ms, 0);
  const iterations = Object.values(state.vopr?.scenarios ?? {}).reduce((sum, share) => sum + share.iterations, 0);
  const findings = Object.keys(state.sightings).length;
  const heartbeat = `newest work ${ago(state.progress_at, nowMs)}`;
  const isStuck = nowMs - Date.parse(state.progress_at) > STUCK_MS;
  return [
    title,
    `         in phase ${state.phase}, ${span(Math.max(0, state.budget_ms - spentMs))} of ${span(state.budget_ms)} left, resumed ${counted(state.interruptions, "time")}`,
    `         ${counted(iterations, "seed")}, ${counted(findings, "finding")} in this cycle`,
    `         ${isStuck ? colour.red(`${heartbeat}: stuck, or its runner is down`) : heartbeat}`,
  ];
}

function digestLines(part: Part<Digest>, nowMs: number, colour: ChalkInstance): string[] {
  if (part.kind === "absent") return ["digest   none yet"];
  if (part.kind === "unreadable") return [colour.red(`digest   cannot be read: ${part.reason}`)];
  const { cycle, kind, verdict, reason, generated_at: at, vopr, trust, findings } = part.value;
  const paint = { passed: colour.green, failed: colour.red, inconclusive: colour.yellow }[verdict];
  const untrusted = Object.entries(trust)
    .filter(([, { trusted }]) => !trusted)
    .map(([workload]) => workload.replace("_", " "));
  const open = findings.filter(({ state }) => state !== "resolved");
  const left = open.length - MAX_FINDINGS;
  return [
    `digest   cycle ${String(cycle)} (${kind}), ${ago(at, nowMs)}: ${paint(verdict)}`,
    ...(reason === null ? [] : [`         ${reason}`]),
    `         VOPR ${vopr.verdict}: ${counted(vopr.iterations, "seed")}, ${vopr.throughput_sps.toFixed(1)} sims/s, ${counted(vopr.failures_total, "failure")}`,
    ...(untrusted.length === 0 ? [] : [`         ${colour.yellow(`untrusted: ${untrusted.join(", ")}`)}`]),
    ...open
      .slice(0, MAX_FINDINGS)
      .map(
        ({ state, signature, count_in_cycle: count }) =>
          `         ${(state ?? "unclassified").padEnd(12)}  ${signature}  ${counted(count, "failure")}`,
      ),
    ...(left > 0 ? [`         and ${String(left)} more: kimtest infra-digest`] : []),
  ];
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}

function ago(instant: string, nowMs: number): string {
  return `${span(Math.max(0, nowMs - Date.parse(instant)))} ago`;
}

function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${String(minutes)} min` : `${String(Math.round(minutes / 60))} h`;
}
