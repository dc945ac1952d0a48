/** The status as one screen of text, no wider than the terminal. Pure. What it quotes is made printable first. */
import type { ChalkInstance } from "chalk";
import type { InfraStatus, StatusPart } from "../../contracts/infra-status.ts";
import { printableData } from "../../runner/phases/digest/printable.ts";
import { wrapped } from "../../runner/phases/digest/wrapped.ts";
import { ago, span, type InstantText } from "../times.ts";

export interface Look {
  readonly columns: number;
  readonly colour: ChalkInstance;
  readonly instant: InstantText;
}

/** The rest is in the digest. */
const MAX_FINDINGS = 10;
const LABEL = 10;
/** A reason is somebody else's text: this much of it says enough. */
const MAX_TEXT = 240;
/** A terminal that is narrower gets lines that it breaks itself. */
const MIN_COLUMNS = 40;

type Paint = (text: string) => string;
const plain: Paint = (text) => text;

/** What stands under one label. */
interface Row {
  readonly label: string;
  readonly lines: readonly Line[];
}
type Line = { readonly text: string; readonly paint?: Paint } | { readonly cells: readonly Cell[] };
interface Cell {
  readonly text: string;
  readonly paint: Paint;
}

export function screenText(status: InfraStatus, look: Look): string {
  const shown = printableData(status);
  const nowMs = Date.parse(shown.at);
  const rows = [
    { label: "store", lines: [{ text: storeLine(shown) }] },
    ...(shown.stack === null ? [] : cloudRows(shown, nowMs, look)),
    { label: "cycle", lines: [...cycleLines(shown, nowMs, look), ...problemLines(shown, ["cycle"], look)] },
    ...(shown.stack === null ? [] : watchingRows(shown, nowMs, look)),
    { label: "digest", lines: [...digestLines(shown, nowMs, look), ...problemLines(shown, ["digest"], look)] },
    { label: "findings", lines: findingLines(shown, look) },
  ];
  const title = shown.stack === null ? [] : [titleLine(shown, look)];
  return [...title, ...rows.flatMap((row) => layOut(row, look))].join("\n");
}

function titleLine({ stack, at }: InfraStatus, { colour, instant, columns }: Look): string {
  const text = `stack ${stack?.name ?? ""} in ${stack?.region ?? ""} (${stack?.by ?? ""}), ${instant(at)}`;
  return wrapped(text, 2, Math.max(columns, MIN_COLUMNS))
    .map((line) => colour.bold(line))
    .join("\n");
}

const storeLine = ({ store, stack }: InfraStatus): string =>
  stack === null ? `${store.url} (${store.by})` : store.url;

function cloudRows(status: InfraStatus, nowMs: number, look: Look): Row[] {
  const { instance, spot_request: request, spot_price: price, interruptions } = status;
  const { colour, instant } = look;
  const machine: Line[] = [];
  if (instance !== null) {
    const { id, type, state, since, availability_zone: zone } = instance;
    const when = since === null ? "" : ` since ${instant(since)} (${span(nowMs - Date.parse(since))})`;
    const paint = state === "running" ? colour.green : colour.yellow;
    machine.push({ text: `${id}, ${type}${zone === null ? "" : ` in ${zone}`}` });
    machine.push({ text: `${state}${when}${STOPPED[instance.stopped_by ?? "nobody"]}`, paint });
  }
  const market = [
    request === null ? [] : [`${request.id} is ${request.state}${request.code === "" ? "" : ` (${request.code})`}`],
    price === null ? [] : [`${String(price.usd_per_hour)} USD/h now`],
    interruptions === null
      ? []
      : [`${counted(interruptions.count, "interruption")} since ${instant(interruptions.since)}`],
  ].flat();
  const spot: Line[] = market.length === 0 ? [] : [{ text: market.join(", ") }];
  const spotLines = [
    ...spot,
    ...problemLines(status, ["spot_request", "spot_price", "interruptions"], look, ["instance"]),
  ];
  return [
    { label: "instance", lines: [...machine, ...problemLines(status, ["instance"], look)] },
    ...(spotLines.length === 0 ? [] : [{ label: "spot", lines: spotLines }]),
  ];
}

const STOPPED = {
  nobody: "",
  user: ", stopped by a person: kimtest infra-start",
  ec2: ", stopped by EC2, which alone starts it again",
  unknown: "",
} as const;

function cycleLines({ cycle, problems }: InfraStatus, nowMs: number, { colour }: Look): Line[] {
  if (cycle === null) return problems.some(({ part }) => part === "cycle") ? [] : [{ text: "none on record" }];
  const commit = cycle.git_commit === null ? "commit not known yet" : `commit ${cycle.git_commit.slice(0, 12)}`;
  const title = { text: `${String(cycle.number)}, profile ${cycle.profile}, ${commit}` };
  if (cycle.status === "done") return [title, { text: `done, ${ago(cycle.updated_at, nowMs)}` }];
  const left = `${span(cycle.left_seconds * 1000)} of ${span(cycle.budget_seconds * 1000)} left`;
  const speed = cycle.sims_per_second === null ? [] : [`${cycle.sims_per_second.toFixed(1)} sims/s`];
  const work = [
    counted(cycle.iterations, "seed"),
    ...speed,
    counted(cycle.failures, "failure"),
    `${counted(cycle.findings, "finding")} in this cycle`,
  ];
  const resumed = cycle.resumed === 0 ? "" : `, resumed ${counted(cycle.resumed, "time")}`;
  const heartbeat = `newest work ${ago(cycle.heartbeat_at, nowMs)}`;
  return [
    title,
    { text: `in phase ${cycle.phase}, ${left}${resumed}` },
    { text: work.join(", ") },
    cycle.stuck ? { text: `${heartbeat}: stuck, or its runner is down`, paint: colour.red } : { text: heartbeat },
  ];
}

function watchingRows(status: InfraStatus, nowMs: number, look: Look): Row[] {
  const { colour } = look;
  const cells = (status.alarms ?? []).map((alarm) => alarmCell(alarm, nowMs, colour));
  const alarms: Line[] = status.alarms?.length === 0 ? [{ text: "none" }] : [{ cells }];
  const mails = (status.subscriptions ?? []).map(({ email, state }): Line => {
    if (state === "confirmed") return { text: `${email} is confirmed` };
    if (state === "deleted") return { text: `${email} has unsubscribed: nobody is told`, paint: colour.yellow };
    return {
      text: `${email} is NOT CONFIRMED: click the link in AWS's mail, or nothing is delivered`,
      paint: colour.yellow,
    };
  });
  const nobody: Line = { text: "no e-mail address is subscribed: nobody is told", paint: colour.yellow };
  return [
    {
      label: "alarms",
      lines: [...(cells.length > 0 || status.alarms !== null ? alarms : []), ...problemLines(status, ["alarms"], look)],
    },
    {
      label: "e-mail",
      lines: [
        ...(status.subscriptions?.length === 0 ? [nobody] : mails),
        ...problemLines(status, ["subscriptions"], look),
      ],
    },
  ];
}

function alarmCell(
  { name, state, since, notifies }: NonNullable<InfraStatus["alarms"]>[number],
  nowMs: number,
  colour: ChalkInstance,
): Cell {
  const words = { ok: "ok", alarm: "ALARM", "insufficient-data": "no data", missing: "MISSING" } as const;
  const paints = { ok: colour.green, alarm: colour.red, "insufficient-data": colour.yellow, missing: colour.red };
  const when = since === null ? "" : ` for ${span(nowMs - Date.parse(since))}`;
  const silent = notifies || state === "missing" ? "" : ", tells nobody";
  return { text: `${name} ${words[state]}${when}${silent}`, paint: paints[state] };
}

function digestLines({ digest, problems }: InfraStatus, nowMs: number, { colour }: Look): Line[] {
  if (digest === null) return problems.some(({ part }) => part === "digest") ? [] : [{ text: "none yet" }];
  const paint = { passed: colour.green, failed: colour.red, inconclusive: colour.yellow }[digest.verdict];
  const speed = `${digest.sims_per_second.toFixed(1)} sims/s`;
  const untrusted = digest.untrusted.map((workload) => workload.replace("_", " ")).join(", ");
  return [
    {
      text: `cycle ${String(digest.cycle)} (${digest.kind}), ${ago(digest.generated_at, nowMs)}: ${digest.verdict}`,
      paint,
    },
    ...(digest.reason === null ? [] : [{ text: digest.reason }]),
    {
      text: `VOPR ${digest.vopr_verdict}: ${counted(digest.iterations, "seed")}, ${speed}, ${counted(digest.failures, "failure")}`,
    },
    ...(untrusted === "" ? [] : [{ text: `untrusted: ${untrusted}`, paint: colour.yellow }]),
  ];
}

function findingLines({ findings }: InfraStatus, { colour }: Look): Line[] {
  if (findings === null) return [];
  if (findings.length === 0) return [{ text: "none" }];
  const left = findings.length - MAX_FINDINGS;
  return [
    ...findings.slice(0, MAX_FINDINGS).map(({ state, signature, count_in_cycle: count }) => ({
      text: `${(state ?? "unclassified").padEnd(12)}  ${signature}  ${counted(count, "failure")}`,
      paint: state === "new" || state === "regressed" ? colour.red : plain,
    })),
    ...(left > 0 ? [{ text: `and ${String(left)} more: kimtest infra-digest` }] : []),
  ];
}

/** Which of these parts cannot be shown, why, and what to type; `said`: parts whose problems are said elsewhere. */
function problemLines(
  { problems }: InfraStatus,
  parts: readonly StatusPart[],
  { colour }: Look,
  said: readonly StatusPart[] = [],
): Line[] {
  const known = new Set(problems.filter(({ part }) => said.includes(part)).map(({ message }) => message));
  const lines: Line[] = [];
  for (const { message, hint } of problems.filter(({ part }) => parts.includes(part))) {
    if (known.has(message)) continue;
    known.add(message);
    lines.push({ text: `cannot be shown: ${message}`, paint: colour.red });
    if (hint !== null) lines.push({ text: `  ${hint}`, paint: colour.dim });
  }
  return lines;
}

function layOut({ label, lines }: Row, { columns, colour }: Look): string[] {
  const width = Math.max(columns, MIN_COLUMNS) - LABEL;
  const laid = lines.flatMap((line) => ("cells" in line ? inColumns(line.cells, width) : textLines(line, width)));
  return laid.map((line, index) => `${colour.dim((index === 0 ? label : "").padEnd(LABEL))}${line}`);
}

function textLines(
  { text, paint = plain }: { readonly text: string; readonly paint?: Paint },
  width: number,
): string[] {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return wrapped(short, 2, width).map((line) => paint(line));
}

/** Side by side, as many as fit, under each other like a table. */
function inColumns(cells: readonly Cell[], width: number): string[] {
  const gap = 3;
  const widest = Math.max(...cells.map(({ text }) => text.length));
  const perLine = Math.max(1, Math.floor((width + gap) / (widest + gap)));
  return Array.from({ length: Math.ceil(cells.length / perLine) }, (_, line) =>
    cells
      .slice(line * perLine, (line + 1) * perLine)
      .map(
        ({ text, paint }, index) => paint(text) + (index === perLine - 1 ? "" : " ".repeat(widest + gap - text.length)),
      )
      .join("")
      .trimEnd(),
  );
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
