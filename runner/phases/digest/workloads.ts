/** The digest's part on the four workloads: a row for each, its parts below it, and the planted bugs. */
import type { Digest } from "../../../contracts/digest.ts";
import type { Judgement } from "../../../contracts/verdict.ts";
import { benchmarkSummary, changeLines, promotedLines } from "./benchmark-lines.ts";
import { duration, inconclusiveFirst, MARK, number, part, row, verdictCounts, wrapped } from "./layout.ts";

/** Of scenarios, in columns; no profile allows a longer name. */
const MIN_NAME_WIDTH = 12;
const MAX_NAME_WIDTH = 64;

export function workloads(digest: Digest): string[] {
  return [
    ...vopr(digest),
    ...fuzzing(digest),
    ...formalVerification(digest),
    ...benchmarks(digest),
    ...canaries(digest),
  ];
}

interface Workload extends Judgement {
  readonly name: string;
  readonly trusted: boolean;
  readonly evidence: readonly string[];
  /** What is listed below the row, each with its own reason. */
  readonly parts: readonly Judgement[];
}

function workload(digest: Digest, { name, verdict, reason, trusted, evidence, parts }: Workload): string[] {
  // The header names the worst reasons only: a failure must not hide why something else was not done.
  const isInHeader = (one: string): boolean => digest.reason?.includes(one) ?? false;
  // That of a part stands in the workload's with the part's name before it.
  const isOfPart = (one: string): boolean =>
    parts.some((part) => part.reason !== null && part.reason !== "" && one.endsWith(part.reason));
  const unsaid = reason?.split("; ").filter((one) => !isInHeader(one) && !isOfPart(one)) ?? [];
  const mark = MARK[verdict] + (trusted ? "" : " UNTRUSTED");
  return row(name, mark, unsaid.length === 0 ? evidence : [...evidence, unsaid.join("; ")]);
}

function vopr(digest: Digest): string[] {
  const { vopr, trust } = digest;
  const scenarios = Object.entries(vopr.scenarios);
  const nameWidth = Math.min(MAX_NAME_WIDTH, Math.max(MIN_NAME_WIDTH, ...scenarios.map(([name]) => name.length)));
  const isNew = vopr.failures_new === null ? "" : ` (${number(vopr.failures_new)} new)`;
  return [
    ...workload(digest, {
      ...vopr,
      name: "VOPR",
      trusted: trust.vopr.trusted,
      evidence: [
        `${number(vopr.iterations)} seeds in ${String(scenarios.length)} scenarios, ${number(vopr.failures_total)} failures${isNew}`,
        `${vopr.throughput_sps.toFixed(1)} sims/s on ${String(vopr.workers)} workers`,
      ],
      parts: [],
    }),
    ...scenarios.flatMap(([name, share]) =>
      wrapped(
        `    ${name.slice(0, nameWidth).padEnd(nameWidth)} ${number(share.iterations).padStart(9)} seeds  ${number(share.failures).padStart(5)} failures  ` +
          `${duration(share.cpu_seconds).padStart(8)} CPU  next seed ${share.next_seed.toString()}`,
        4 + nameWidth,
      ),
    ),
  ];
}

function fuzzing(digest: Digest): string[] {
  const { fuzzing, trust } = digest;
  const targets = Object.values(fuzzing.targets);
  const executions = targets.reduce((sum, target) => sum + target.executions, 0);
  // Of targets about which there is no more to say than that they passed, the sum is enough.
  const isListed = targets.some(({ edges, verdict }) => edges !== null || verdict === "inconclusive");
  return [
    ...workload(digest, {
      ...fuzzing,
      name: "fuzzing",
      trusted: trust.fuzzing.trusted,
      evidence: [`${number(executions)} executions of ${String(targets.length)} targets`],
      parts: isListed ? targets : [],
    }),
    ...(isListed ? inconclusiveFirst(fuzzing.targets).flatMap(([name, target]) => targetLines(name, target)) : []),
  ];
}

function targetLines(name: string, target: Digest["fuzzing"]["targets"][string]): string[] {
  const { executions, executions_per_second: speed, edges, corpus_inputs: inputs, failure_keys: keys } = target;
  const figures = [
    `${number(executions)} executions`,
    `${number(Math.round(speed))}/s`,
    ...(edges === null ? [] : [`${number(edges)} edges`]),
    ...(inputs === null ? [] : [`${number(inputs)} inputs`]),
    ...(keys.length === 0 ? [] : [`${number(keys.length)} archived`]),
  ];
  const reason = target.reason === null ? [] : [target.reason];
  return part(name, target, [...(executions === 0 ? [] : [figures.join(", ")]), ...reason].join("; "));
}

function formalVerification(digest: Digest): string[] {
  const { formal_verification: verification, trust } = digest;
  const tools = Object.values(verification.tools);
  const isListed = tools.length > 1;
  const summary = isListed
    ? `${String(tools.length)} checks: ${verdictCounts(tools)}`
    : tools.map(statesText).join("") || "no states";
  return [
    ...workload(digest, {
      ...verification,
      name: "formal verification",
      trusted: trust.formal_verification.trusted,
      evidence: [summary],
      parts: isListed ? tools : [],
    }),
    ...(isListed
      ? inconclusiveFirst(verification.tools).flatMap(([name, tool]) => [
          ...part(name, tool, checkText(tool)),
          ...(tool.verdict === "passed" ? [] : logLine(tool.log_key)),
        ])
      : []),
  ];
}

type Tool = Digest["formal_verification"]["tools"][string];

const statesText = ({ states, depth }: Tool): string => `${number(states)} states to depth ${number(depth)}`;

function checkText(tool: Tool): string {
  if (tool.reason !== null) return tool.reason;
  return [...(tool.states === null ? [] : [statesText(tool)]), ...(tool.scope === null ? [] : [tool.scope])].join(", ");
}

function benchmarks(digest: Digest): string[] {
  const { benchmarks, trust } = digest;
  const runs = Object.values(benchmarks.runs);
  const where = runs.length === 0 ? "" : ` in ${String(runs.length)} suites`;
  return [
    ...workload(digest, {
      ...benchmarks,
      name: "benchmarks",
      trusted: trust.benchmarks.trusted,
      evidence: [`${String(benchmarks.suites.length)} measured${where}; ${benchmarkSummary(benchmarks.comparison)}`],
      parts: runs,
    }),
    ...inconclusiveFirst(benchmarks.runs)
      .filter(([, { verdict }]) => verdict !== "passed")
      .flatMap(([name, run]) => [...part(name, run, run.reason ?? ""), ...logLine(run.log_key)]),
    ...changeLines(benchmarks.comparison),
    ...promotedLines(benchmarks.comparison),
  ];
}

const logLine = (key: string | null): string[] => (key === null ? [] : [`      log: ${key}`]);

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
