/**
 * All findings: those of the registry, with what the running cycle has seen so far, which its digest will merge.
 *
 * A failure of a cycle that runs for two days must not be a nameless one for two days.
 */
import { CURRENT_CYCLE_KEY, findingId, REGISTRY_KEY } from "../../contracts/bucket.ts";
import { cycleStateSchema, type CycleState } from "../../contracts/cycle.ts";
import { KimtestError } from "../../contracts/errors.ts";
import { registrySchema, type Finding, type Registry } from "../../contracts/registry.ts";
import type { ListedFinding } from "../../contracts/reports.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import { readJson } from "../../runner/store/read-json.ts";
import { emptyRegistry, mergeCycle } from "../../runner/triage/registry.ts";

/** Last seen first. @throws KimtestError `CORRUPT_DATA` when either part cannot be read: half of it would mislead */
export async function readFindings(store: ObjectStore): Promise<ListedFinding[]> {
  // In this order: a cycle that ends in between has its findings in the registry before they leave its state.
  const cycle = await readJson(store, CURRENT_CYCLE_KEY, cycleStateSchema);
  const registry = await readJson(store, REGISTRY_KEY, registrySchema);
  const known = registry?.value ?? emptyRegistry(new Date(0).toISOString());
  return Object.values(withRunning(known, cycle?.value).findings)
    .map(listed)
    .sort((a, b) =>
      a.last_seen_at > b.last_seen_at ? -1 : a.last_seen_at < b.last_seen_at ? 1 : a.id < b.id ? -1 : 1,
    );
}

/** Only what cycles have seen and no digest has merged changes: what was not seen so far, may be seen yet. */
export function withRunning(registry: Registry, state: CycleState | undefined): Registry {
  if (state === undefined) return registry;
  const { cycle, updated_at: at, sightings } = state;
  const running = { cycle, git_commit: state.git_commit ?? "unknown", sightings: Object.values(sightings) };
  return [...state.unmerged, running].reduce((known, contribution) => {
    const merged = mergeCycle(known, { ...contribution, at, rechecks: [] });
    const seen = contribution.sightings.map(({ signature }): [string, Finding] => [
      signature,
      merged.findings[signature]!,
    ]);
    return { ...known, findings: { ...known.findings, ...Object.fromEntries(seen) } };
  }, registry);
}

const listed = (finding: Finding): ListedFinding => ({
  id: findingId(finding.signature),
  signature: finding.signature,
  workload: finding.workload,
  state: finding.state,
  count: finding.count,
  first_seen_at: finding.first_seen.at,
  last_seen_at: finding.last_seen.at,
  seeds: finding.seeds,
  message: finding.message,
  repro: finding.repro,
  failure_key: finding.failure_key,
});

/** Those whose id begins with the text or whose signature contains it; one that is meant exactly is the only one. */
export function matchingFindings(findings: readonly ListedFinding[], text: string): ListedFinding[] {
  const exact = findings.filter(({ id, signature }) => id === text || signature === text);
  return exact.length > 0
    ? exact
    : findings.filter(({ id, signature }) => id.startsWith(text) || signature.includes(text));
}

const SHOWN = 10;

/** @throws KimtestError `NOT_FOUND`, or `USAGE` that lists those that fit */
export async function theOnlyFinding(store: ObjectStore, text: string): Promise<ListedFinding> {
  const [found, ...others] = matchingFindings(await readFindings(store), text);
  if (found === undefined) {
    throw new KimtestError("NOT_FOUND", `no finding has the id or signature ${text}, or a part like it`, {
      hint: "`kimtest list-failures --by-finding` shows all",
    });
  }
  if (others.length === 0) return found;
  const all = [found, ...others].map(({ id, signature }) => `${id}  ${signature}`);
  throw new KimtestError("USAGE", `${String(all.length)} findings fit ${text}`, {
    hint: ["say which:", ...all.slice(0, SHOWN), ...(all.length > SHOWN ? ["…"] : [])].join("\n  "),
  });
}
