/**
 * The digest as a person reads it: what needs attention first, evidence after it. Plain text, at most 100
 * columns wide but for lines that are meant to be pasted.
 */
import type { Digest, DigestFinding } from "../../../contracts/digest.ts";
import { duration, MARK, number, shortCommit, times, wrapped } from "./layout.ts";
import { printableData } from "./printable.ts";
import { workloads } from "./workloads.ts";

/** Findings shown in full; the rest is counted. */
const MAX_FINDINGS = 20;
const MAX_INCONCLUSIVE = 5;
const MAX_MESSAGE_LENGTH = 160;
/** Reasons and builds at the top; the rest is counted. */
const MAX_REASONS = 12;
const FINDING_COLUMN = 12;

/** `instant`: how an instant is shown; as stored, ISO in UTC, unless the reader is known. */
export function digestText(stored: Digest, instant: (at: string) => string = (at) => at): string {
  const digest = printableData(stored);
  return [
    ...header(digest, instant(digest.generated_at)),
    "",
    ...workloads(digest),
    "",
    ...findings(digest),
    ...inconclusiveSeeds(digest),
    ...notes(digest),
    "",
    ...storeLines(digest),
  ].join("\n");
}

function header(digest: Digest, at: string): string[] {
  const kind = digest.kind === "interim" ? "interim digest of cycle" : "cycle";
  const resumed = digest.interruptions === 0 ? "" : `, resumed ${times(digest.interruptions)}`;
  const origin = `profile ${digest.profile}, commit ${shortCommit(digest.git_commit)}`;
  const reasons = digest.reason?.split("; ") ?? [];
  const left = reasons.length - MAX_REASONS;
  return [
    `kimtest ${kind} ${String(digest.cycle)}: ${MARK[digest.verdict]}`,
    ...redCommit(digest),
    ...wrapped(`${origin}, ${duration(digest.duration_seconds)}${resumed}, ${at}`, 2),
    ...versions(digest),
    ...reasons.slice(0, MAX_REASONS).flatMap((reason) => wrapped(`  ! ${reason}`, 4)),
    ...(left > 0 ? [`  ! and ${String(left)} more: kimtest infra-digest --json`] : []),
    ...builds(digest),
  ];
}

/** First of all: everything below is about another commit than people think. */
function redCommit({ prepare, git_commit: tested }: Digest): string[] {
  const red = prepare?.red_commit ?? null;
  if (red === null) return [];
  return wrapped(`  ! ${shortCommit(red)} does not build; ${shortCommit(tested)} was tested in its place`, 4);
}

function versions({ prepare }: Digest): string[] {
  const known = Object.entries(prepare?.versions ?? {});
  if (known.length === 0) return [];
  const said = known.map(([name, version]) => {
    if (version === null) return `${name} not known`;
    return version.startsWith(name) ? version : `${name}: ${version}`;
  });
  return wrapped(`with ${said.join("; ")}`, 2);
}

function builds({ prepare }: Digest): string[] {
  return (prepare?.builds ?? [])
    .filter(({ verdict }) => verdict !== "passed")
    .slice(0, MAX_REASONS)
    .flatMap(({ name, reason, log_key: key }) => [
      ...wrapped(`  build ${name}: ${reason ?? "no reason given"}`, 4),
      ...(key === null ? [] : [`    log: ${key}`]),
    ]);
}

function findings(digest: Digest): string[] {
  const open = digest.findings.filter(({ state }) => state !== "resolved");
  const resolved = digest.findings.filter(({ state }) => state === "resolved");
  if (digest.findings.length === 0) return ["findings: none"];
  const left = open.length - MAX_FINDINGS;
  return [
    `findings: ${String(open.length)}`,
    ...open.slice(0, MAX_FINDINGS).flatMap(finding),
    ...(left > 0 ? [`  and ${String(left)} more: kimtest infra-digest --json`] : []),
    ...resolved.flatMap(({ signature }) =>
      wrapped(`  RESOLVED  ${signature}: its seeds pass on this commit`, FINDING_COLUMN),
    ),
  ];
}

function finding(one: DigestFinding): string[] {
  const label = (one.state ?? "unclassified").toUpperCase();
  const since = one.first_seen_cycle === null ? "" : `, first seen in cycle ${String(one.first_seen_cycle)}`;
  const ever =
    one.count_ever === null || one.count_ever === one.count_in_cycle ? "" : ` (${number(one.count_ever)} ever)`;
  const indent = " ".repeat(FINDING_COLUMN);
  const message =
    one.message.length > MAX_MESSAGE_LENGTH ? `${one.message.slice(0, MAX_MESSAGE_LENGTH)}…` : one.message;
  return [
    ...wrapped(
      `  ${label.padEnd(9)} ${one.signature}  ${number(one.count_in_cycle)} in this cycle${ever}${since}`,
      FINDING_COLUMN,
    ),
    ...(message === "" ? [] : wrapped(indent + message, FINDING_COLUMN)),
    `${indent}repro: ${one.repro}`,
    `${indent}kimtest fetch-failure ${one.failure_key.replace(/^failures\//, "")}`,
  ];
}

function inconclusiveSeeds({ vopr }: Digest): string[] {
  if (vopr.inconclusive_seeds === 0) return [];
  const left = vopr.inconclusive.length - MAX_INCONCLUSIVE;
  return [
    "",
    `seeds without a verdict: ${number(vopr.inconclusive_seeds)}`,
    ...vopr.inconclusive
      .slice(0, MAX_INCONCLUSIVE)
      .flatMap(({ scenario, starting_seed: seed, iterations, reason, evidence_key: key }) => [
        ...wrapped(`  ${scenario}, ${String(iterations)} from ${seed.toString()}: ${reason}`, 4),
        ...(key === null ? [] : [`    raw output: ${key}`]),
      ]),
    ...(left > 0 ? [`  and ${String(left)} more ranges`] : []),
  ];
}

function notes({ warnings }: Digest): string[] {
  if (warnings.length === 0) return [];
  return ["", "warnings:", ...warnings.flatMap((warning) => wrapped(`  - ${warning}`, 4))];
}

function storeLines({ store }: Digest): string[] {
  return [
    `store: ${store.url}`,
    ...(store.unreachable_seconds > 0
      ? [
          `  could not be reached for ${duration(store.unreachable_seconds)}; what was put meanwhile waited on this machine`,
        ]
      : []),
    ...(store.waiting > 0 ? [`  ${number(store.waiting)} objects still wait on this machine's disk for it`] : []),
  ];
}
