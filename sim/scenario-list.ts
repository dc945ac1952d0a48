/** The scenarios as `--list-scenarios` shows them: what each is for, what it expects, and its mix of faults. */
import type { NetworkFaults, Scenario, StorageFaults } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

type Mix = NetworkFaults | StorageFaults;

export function scenarioList(): object[] {
  return SCENARIOS.map((scenario) => ({
    name: scenario.name,
    aliases: scenario.aliases,
    title: scenario.title,
    description: scenario.description,
    expectation: scenario.expectation,
    attack: scenario.attack,
    network_faults: inSnakeCase(scenario.network),
    storage_faults: inSnakeCase(scenario.storage),
    replicas: scenario.replicas,
    clients: scenario.clients,
    tenants: scenario.tenants,
    max_events: scenario.maxEvents,
    max_time_ms: scenario.maxTimeMs,
  }));
}

export function scenarioTable(): string {
  return SCENARIOS.map((scenario) => {
    const { name, aliases, title, description, expectation } = scenario;
    const also = aliases.length === 0 ? "" : ` (also ${aliases.join(", ")})`;
    return `${name}${also}: ${title}, ${expectation}\n    ${description}\n    faults: ${faultsText(scenario)}\n`;
  }).join("");
}

/** What is on: the others are 0 or false. */
function active(mix: Mix): [string, number | boolean][] {
  return (Object.entries(mix) as [string, number | boolean][]).filter(([, value]) => value !== 0 && value !== false);
}

function inSnakeCase(mix: Mix): Record<string, number | boolean> {
  return Object.fromEntries(active(mix).map(([name, value]) => [words(name).replaceAll(" ", "_"), value]));
}

function words(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function faultsText({ attack, network, storage }: Scenario): string {
  const lies = attack === null ? [] : [`a replica lies (${attack})`];
  return [...lies, ...mixText(network), ...mixText(storage)].join(", ") || "none";
}

const MEASURES: Readonly<Record<string, (value: number) => string>> = {
  PerMillion: (value) => `${value / 10_000} %`,
  EveryMs: (value) => `every ${value} ms`,
  ForMs: (value) => `for ${value} ms`,
  DelayMs: (value) => `by ${value} ms`,
  Ms: (value) => `by ${value} ms`,
};
const MEASURE = /(PerMillion|EveryMs|ForMs|DelayMs|Ms)$/;

/** Fields of one fault (`partitionEveryMs`, `partitionForMs`) together: "partition every 700 ms for 400 ms". */
function mixText(mix: Mix): string[] {
  const faults = new Map<string, string[]>();
  for (const [name, value] of active(mix)) {
    const measure = MEASURE.exec(name)?.[1] ?? "";
    const fault = words(name.slice(0, name.length - measure.length));
    const text = typeof value === "number" ? MEASURES[measure]!(value) : "";
    faults.set(fault, [...(faults.get(fault) ?? [fault]), ...(text === "" ? [] : [text])]);
  }
  return [...faults.values()].map((parts) => parts.join(" "));
}
