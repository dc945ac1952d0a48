/** `kimtest infra-status`: what is going on, on one screen. A part that cannot be read says so, the rest is shown. */
import { Command } from "@commander-js/extra-typings";
import type { CycleState } from "../../contracts/cycle.ts";
import type { Digest } from "../../contracts/digest.ts";
import { EXIT, KimtestError, reasonOf } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import { jsonOption, storeOption } from "./options.ts";

interface InfraStatusOptions {
  readonly store: string;
  readonly json?: true | undefined;
}

/** A running cycle without real work for so long is stuck (the no-progress alarm's 15 minutes). */
const STUCK_MS = 15 * 60_000;

export function infraStatusCommand(deps: CliDeps) {
  return new Command("infra-status")
    .description("Show the running cycle and the newest digest.")
    .addOption(storeOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  kimtest infra-status\n  kimtest infra-status --store s3://my-results --json")
    .action((options) => infraStatus(options, deps));
}

type Part<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly reason: string };

export async function infraStatus(options: InfraStatusOptions, deps: CliDeps): Promise<void> {
  const [
    { openStore },
    { readJson },
    { cycleStateSchema },
    { digestSchema },
    { CURRENT_CYCLE_KEY, DIGEST_KEY },
    { stringifyJson },
  ] = await Promise.all([
    import("../../runner/store/open-store.ts"),
    import("../../runner/store/read-json.ts"),
    import("../../contracts/cycle.ts"),
    import("../../contracts/digest.ts"),
    import("../../contracts/bucket.ts"),
    import("../../contracts/json.ts"),
  ]);
  const store = await openStore(options.store, { mustExist: true });
  const part = async <T>(key: string, schema: Parameters<typeof readJson<T>>[2]): Promise<Part<T>> => {
    try {
      const read = await readJson(store, key, schema);
      return read === undefined ? { kind: "absent" } : { kind: "read", value: read.value };
    } catch (error) {
      if (error instanceof KimtestError) return { kind: "unreadable", reason: reasonOf(error) };
      throw error;
    }
  };
  const [cycle, digest] = await Promise.all([
    part(CURRENT_CYCLE_KEY, cycleStateSchema),
    part(DIGEST_KEY, digestSchema),
  ]);
  if (cycle.kind === "absent" && digest.kind === "absent") {
    throw new KimtestError("NOT_FOUND", `no cycle has ever run on ${store.url}`, {
      hint: "start one with `npm run cycle`",
    });
  }
  if (cycle.kind === "unreadable" || digest.kind === "unreadable") deps.setExitCode(EXIT.inconclusive);
  if (options.json)
    deps.out(`${stringifyJson({ store: store.url, cycle: jsonPart(cycle), digest: jsonPart(digest) })}\n`);
  else deps.out([`store    ${store.url}`, ...cycleLines(cycle, deps), ...digestLines(digest, deps), ""].join("\n"));
}

function jsonPart<T>(part: Part<T>): unknown {
  if (part.kind === "read") return part.value;
  return part.kind === "absent" ? null : { error: part.reason };
}

function cycleLines(part: Part<CycleState>, deps: CliDeps): string[] {
  if (part.kind === "absent") return ["cycle    none on record"];
  if (part.kind === "unreadable") return [`cycle    cannot be read: ${part.reason}`];
  const state = part.value;
  const commit = state.git_commit === null ? "commit not known yet" : `commit ${state.git_commit.slice(0, 12)}`;
  const title = `cycle    ${String(state.cycle)}, profile ${state.profile}, ${commit}`;
  if (state.status === "done") return [title, `         done, ${ago(state.updated_at, deps)}`];
  const spentMs = Object.values(state.spent_ms).reduce((sum, ms) => sum + ms, 0);
  const iterations = Object.values(state.vopr?.scenarios ?? {}).reduce((sum, share) => sum + share.iterations, 0);
  const silentMs = deps.now() - Date.parse(state.progress_at);
  const heartbeat = `newest work ${ago(state.progress_at, deps)}`;
  return [
    title,
    `         in phase ${state.phase}, ${span(Math.max(0, state.budget_ms - spentMs))} of ${span(state.budget_ms)} left, resumed ${String(state.interruptions)} times`,
    `         ${iterations.toLocaleString("en-US")} seeds, ${String(Object.keys(state.sightings).length)} findings in this cycle`,
    `         ${silentMs > STUCK_MS ? deps.colour.red(`${heartbeat}: stuck, or its runner is down`) : heartbeat}`,
  ];
}

function digestLines(part: Part<Digest>, deps: CliDeps): string[] {
  if (part.kind === "absent") return ["digest   none yet"];
  if (part.kind === "unreadable") return [`digest   cannot be read: ${part.reason}`];
  const { cycle, kind, verdict, reason, generated_at: at, vopr, trust, findings } = part.value;
  const paint = { passed: deps.colour.green, failed: deps.colour.red, inconclusive: deps.colour.yellow }[verdict];
  const untrusted = Object.entries(trust)
    .filter(([, { trusted }]) => !trusted)
    .map(([workload]) => workload);
  const open = findings.filter(({ state }) => state !== "resolved");
  return [
    `digest   cycle ${String(cycle)} (${kind}), ${ago(at, deps)}: ${paint(verdict)}`,
    ...(reason === null ? [] : [`         ${reason}`]),
    `         VOPR ${vopr.verdict}: ${vopr.iterations.toLocaleString("en-US")} seeds, ${vopr.throughput_sps.toFixed(1)} sims/s, ${String(vopr.failures_total)} failures`,
    ...(untrusted.length === 0 ? [] : [`         ${deps.colour.yellow(`untrusted: ${untrusted.join(", ")}`)}`]),
    ...open
      .slice(0, 10)
      .map(
        ({ state, signature, count_in_cycle }) =>
          `         ${state ?? "unclassified"}  ${signature}  ${String(count_in_cycle)}`,
      ),
  ];
}

function ago(instant: string, deps: CliDeps): string {
  return `${span(Math.max(0, deps.now() - Date.parse(instant)))} ago`;
}

function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${String(minutes)} min` : `${String(Math.round(minutes / 60))} h`;
}
