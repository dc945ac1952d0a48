/**
 * The digest as a person reads it: what needs attention first, evidence after it. Plain text, at most 100
 * columns wide but for lines that are meant to be pasted.
 */
import type { Digest, DigestFinding } from "../../../contracts/digest.ts";
import type { Judgement, Verdict } from "../../../contracts/verdict.ts";
import { printableData } from "./printable.ts";

const MARK: Record<Verdict, string> = { passed: "PASSED", failed: "FAILED", inconclusive: "INCONCLUSIVE" };
const WIDTH = 100;
/** Findings shown in full; the rest is counted. */
const MAX_FINDINGS = 20;
const MAX_INCONCLUSIVE = 5;
const MAX_MESSAGE_LENGTH = 160;
/** Where the evidence of a workload begins. */
const EVIDENCE_COLUMN = 35;
/** Names of scenarios have up to 64 characters. */
const NAME_WIDTH = { min: 12, max: 64 };
const FINDING_COLUMN = 12;

export function digestText(stored: Digest): string {
  const digest = printableData(stored);
  return [
    ...header(digest),
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

function header(digest: Digest): string[] {
  const kind = digest.kind === "interim" ? "interim digest of cycle" : "cycle";
  const resumed = digest.interruptions === 0 ? "" : `, resumed ${times(digest.interruptions)}`;
  const origin = `profile ${digest.profile}, commit ${shortCommit(digest.git_commit)}`;
  return [
    `kimtest ${kind} ${String(digest.cycle)}: ${MARK[digest.verdict]}`,
    ...wrapped(`${origin}, ${duration(digest.duration_seconds)}${resumed}, ${digest.generated_at}`, 2),
    ...(digest.reason === null ? [] : digest.reason.split("; ").flatMap((reason) => wrapped(`  ! ${reason}`, 4))),
  ];
}

function workloads(digest: Digest): string[] {
  const { vopr, fuzzing, formal_verification: verification, benchmarks, trust } = digest;
  const scenarios = Object.entries(vopr.scenarios);
  const nameWidth = Math.min(NAME_WIDTH.max, Math.max(NAME_WIDTH.min, ...scenarios.map(([name]) => name.length)));
  const targets = Object.values(fuzzing.targets);
  const executions = targets.reduce((sum, target) => sum + target.executions, 0);
  const states = Object.values(verification.tools).map(
    ({ states, depth }) => `${number(states)} states to depth ${number(depth)}`,
  );
  const isNew = vopr.failures_new === null ? "" : ` (${number(vopr.failures_new)} new)`;
  return [
    ...row(digest, "VOPR", vopr, trust.vopr.trusted, [
      `${number(vopr.iterations)} seeds in ${String(scenarios.length)} scenarios, ${number(vopr.failures_total)} failures${isNew}`,
      `${vopr.throughput_sps.toFixed(1)} sims/s on ${String(vopr.workers)} workers`,
    ]),
    ...scenarios.flatMap(([name, share]) =>
      wrapped(
        `    ${name.padEnd(nameWidth)} ${number(share.iterations).padStart(9)} seeds  ${number(share.failures).padStart(6)} failures  ` +
          `${duration(share.cpu_seconds).padStart(8)} CPU  next seed ${share.next_seed.toString()}`,
        6,
      ),
    ),
    ...row(digest, "fuzzing", fuzzing, trust.fuzzing.trusted, [
      `${number(executions)} executions of ${String(targets.length)} targets`,
    ]),
    ...row(digest, "formal verification", verification, trust.formal_verification.trusted, [
      states.join(", ") || "no states",
    ]),
    ...row(digest, "benchmarks", benchmarks, trust.benchmarks.trusted, [
      `${String(benchmarks.suites.length)} measured; changes are judged from a history of cycles, not from this one`,
    ]),
    ...canaries(digest),
  ];
}

function row(digest: Digest, name: string, judgement: Judgement, trusted: boolean, evidence: string[]): string[] {
  const verdict = MARK[judgement.verdict] + (trusted ? "" : " UNTRUSTED");
  const { reason } = judgement;
  // The header names the worst reasons only: a failure must not hide why something else was not done.
  const said = reason === null || (digest.reason?.includes(reason) ?? false);
  const [first = "", ...more] = said ? evidence : [...evidence, reason];
  const indent = " ".repeat(EVIDENCE_COLUMN);
  return [`${name.padEnd(20)} ${verdict.padEnd(13)} ${first}`, ...more.map((line) => indent + line)].flatMap((line) =>
    wrapped(line, EVIDENCE_COLUMN),
  );
}

function canaries({ trust }: Digest): string[] {
  const found = (name: string, { trusted, reason, canary }: Digest["trust"]["vopr"]): string => {
    if (!trusted || canary === null) return `${name}: ${reason ?? "not found"}`;
    const runs = canary.runs > 1 ? ` in ${number(canary.found_in)} of ${number(canary.runs)}` : "";
    return `${name}: ${canary.canary} found${runs}`;
  };
  return [
    found("VOPR", trust.vopr),
    found("fuzzing", trust.fuzzing),
    found("formal verification", trust.formal_verification),
    found("benchmarks", trust.benchmarks),
  ].flatMap((line, index) => wrapped(`${(index === 0 ? "planted bugs" : "").padEnd(20)} ${line}`, 23));
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

/** Breaks a line at spaces, or inside a word that is wider than a line; continued at column `indent`. */
function wrapped(line: string, indent: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > WIDTH) {
    const space = rest.lastIndexOf(" ", WIDTH);
    const cut = space > indent ? space : WIDTH;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = " ".repeat(indent) + rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

const number = (value: number | null): string => (value === null ? "?" : value.toLocaleString("en-US"));
const times = (count: number): string => (count === 1 ? "once" : `${String(count)} times`);
const shortCommit = (commit: string): string => commit.replace(/^([0-9a-f]{12})[0-9a-f]{28}/, "$1");

export function duration(totalSeconds: number): string {
  if (totalSeconds < 100) return `${totalSeconds.toFixed(1)} s`;
  const minutes = Math.floor(totalSeconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0
    ? `${String(hours)} h ${String(minutes % 60)} min`
    : `${String(minutes)} min ${String(Math.floor(totalSeconds % 60))} s`;
}
