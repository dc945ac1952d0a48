/** The digest as a person reads it: what needs attention first, evidence after it. Plain text, at most 100 columns wide. */
import type { Digest, DigestFinding } from "../../../contracts/digest.ts";
import type { Judgement, Verdict } from "../../../contracts/verdict.ts";

const MARK: Record<Verdict, string> = { passed: "PASSED", failed: "FAILED", inconclusive: "INCONCLUSIVE" };
/** Findings shown in full; the rest is counted. */
const MAX_FINDINGS = 20;
const MAX_INCONCLUSIVE = 5;

export function digestText(digest: Digest): string {
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
  return [
    `kimtest ${kind} ${String(digest.cycle)}: ${MARK[digest.verdict]}`,
    `profile ${digest.profile}, commit ${shortCommit(digest.git_commit)}, ${duration(digest.duration_seconds)}${resumed}, ${digest.generated_at}`,
    ...(digest.reason === null ? [] : digest.reason.split("; ").map((reason) => `  ! ${reason}`)),
  ];
}

function workloads(digest: Digest): string[] {
  const { vopr, fuzzing, formal_verification: verification, benchmarks, trust } = digest;
  const scenarios = Object.keys(vopr.scenarios).length;
  const targets = Object.values(fuzzing.targets);
  const executions = targets.reduce((sum, target) => sum + target.executions, 0);
  const states = Object.values(verification.tools).map(
    ({ states, depth }) => `${number(states)} states to depth ${number(depth)}`,
  );
  return [
    row("VOPR", vopr, trust.vopr.trusted, [
      `${number(vopr.iterations)} seeds in ${String(scenarios)} scenarios, ${vopr.throughput_sps.toFixed(1)} sims/s on ${String(vopr.workers)} workers, ` +
        `${number(vopr.failures_total)} failures${vopr.failures_new === null ? "" : ` (${number(vopr.failures_new)} new)`}`,
      ...Object.entries(vopr.scenarios).map(
        ([name, share]) =>
          `  ${name.padEnd(12)} ${number(share.iterations).padStart(9)} seeds  ${number(share.failures).padStart(6)} failures  ` +
          `${duration(share.cpu_seconds).padStart(7)} CPU  next seed ${share.next_seed.toString()}`,
      ),
    ]),
    row("fuzzing", fuzzing, trust.fuzzing.trusted, [
      `${number(executions)} executions of ${String(targets.length)} targets`,
    ]),
    row("formal verification", verification, trust.formal_verification.trusted, [states.join(", ") || "no states"]),
    row("benchmarks", benchmarks, trust.benchmarks.trusted, [
      `${String(benchmarks.suites.length)} measured; changes are judged from a history of cycles, not from this one`,
    ]),
    canaries(digest),
  ].flat();
}

function row(name: string, judgement: Judgement, trusted: boolean, evidence: string[]): string[] {
  const verdict = MARK[judgement.verdict] + (trusted ? "" : " UNTRUSTED");
  const [first = "", ...more] = evidence;
  return [`${name.padEnd(20)} ${verdict.padEnd(13)} ${first}`, ...more.map((line) => `${" ".repeat(34)}${line}`)];
}

function canaries({ trust }: Digest): string[] {
  const found = (name: string, { trusted, reason, canary }: Digest["trust"]["vopr"]): string => {
    if (!trusted || canary === null) return `${name}: ${reason ?? "not found"}`;
    const runs = canary.runs > 1 ? ` in ${number(canary.found_in)} of ${number(canary.runs)}` : "";
    return `${name}: ${canary.canary} found${runs}`;
  };
  return [
    "planted bugs         " +
      [
        found("VOPR", trust.vopr),
        found("fuzzing", trust.fuzzing),
        found("formal verification", trust.formal_verification),
        found("benchmarks", trust.benchmarks),
      ].join(`\n${" ".repeat(21)}`),
  ];
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
    ...resolved.map(({ signature }) => `  RESOLVED  ${signature}: its seeds pass on this commit`),
  ];
}

function finding(one: DigestFinding): string[] {
  const label = (one.state ?? "unclassified").toUpperCase();
  const since = one.first_seen_cycle === null ? "" : `, first seen in cycle ${String(one.first_seen_cycle)}`;
  const ever =
    one.count_ever === null || one.count_ever === one.count_in_cycle ? "" : ` (${number(one.count_ever)} ever)`;
  return [
    `  ${label.padEnd(9)} ${one.signature}  ${number(one.count_in_cycle)} in this cycle${ever}${since}`,
    `            ${one.message.split("\n")[0]?.slice(0, 160) ?? ""}`,
    `            repro: ${one.repro}`,
    `            kimtest fetch-failure ${one.failure_key.replace(/^failures\//, "")}`,
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
        `  ${scenario}, ${String(iterations)} from ${seed.toString()}: ${reason}`,
        ...(key === null ? [] : [`    raw output: ${key}`]),
      ]),
    ...(left > 0 ? [`  and ${String(left)} more ranges`] : []),
  ];
}

function notes({ warnings }: Digest): string[] {
  return warnings.length === 0 ? [] : ["", "warnings:", ...warnings.map((warning) => `  - ${warning}`)];
}

function storeLines({ store }: Digest): string[] {
  return [
    `store: ${store.url}`,
    ...(store.unreachable_seconds > 0
      ? [`  could not be reached for ${duration(store.unreachable_seconds)}; nothing was lost`]
      : []),
    ...(store.waiting > 0 ? [`  ${number(store.waiting)} objects still wait on this machine's disk for it`] : []),
  ];
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
