/** What the service decides: pure functions of its settings, of what it did before, and of the time. */
import { z } from "zod";
import { instant } from "../contracts/parts.ts";
import type { Profile } from "../contracts/profile.ts";
import type { Repository } from "../contracts/profile/source.ts";
import type { HostSettings } from "../contracts/host.ts";
import type { ServiceSettings } from "../contracts/stack.ts";
import type { WorkSettings } from "../contracts/work-settings.ts";
import type { Workload } from "../contracts/workloads.ts";
import type { SpotNotice } from "./platform/spot-notice.ts";
import { withRepository } from "./profiles/load.ts";

/** The profile as the settings want it. */
export function profileFor(profile: Profile, settings: ServiceSettings | HostSettings): Profile {
  const { vopr } = profile;
  return {
    ...(profile.repository === undefined
      ? profile
      : withRepository(profile, repositoryOf(settings), "the repository in the settings")),
    vopr: { ...vopr, seed_offset: settings.seed_offset, arguments: [...vopr.arguments, ...settings.vopr_flags] },
  };
}

/** Workloads that the settings switch off, with the reason that the digest gives. */
export function skippedBy(settings: WorkSettings): ReadonlyMap<Workload, string> {
  const switches = [
    ["formal-verification", "enable_formal_verification"],
    ["benchmarks", "enable_benchmarks"],
    ["fuzz", "enable_fuzzing"],
  ] as const;
  return new Map(
    switches
      .filter(([, setting]) => !settings[setting])
      .map(([workload, setting]) => [workload, `switched off in the settings (${setting})`]),
  );
}

/** What the settings say of the repository; on a machine of one's own they need not. */
function repositoryOf(settings: ServiceSettings | HostSettings): Partial<Repository> {
  if (!("host" in settings)) return { url: settings.github_repo, reference: settings.github_branch };
  const { repo, branch } = settings;
  return { ...(repo === null ? {} : { url: repo }), ...(branch === null ? {} : { reference: branch }) };
}

/** Settings that have no effect, or less than one might expect, in words. */
export function unexpected(profile: Profile, settings: ServiceSettings | HostSettings): string[] {
  const { seed_offset: offset } = settings;
  const unused = profile.repository === undefined ? Object.values(repositoryOf(settings)) : [];
  const tested = profile.name === "embedded" ? "this very release of kimtest" : `what is in ${profile.work_tree}`;
  return [
    ...(unused.length === 0 ? [] : [`not used, for the profile ${profile.name} tests ${tested}: ${unused.join(", ")}`]),
    ...(offset === 0n
      ? []
      : [
          `seed_offset ${offset.toString()} counts for scenarios without any progress; the others go on where they are`,
        ]),
  ];
}

/** When the newest cycle was begun, and under which settings. Kept in the state folder. */
export const lastBeginningSchema = z.object({
  version: z.literal(1),
  began_at: instant,
  settings_sha256: z.string(),
});
export type LastBeginning = z.infer<typeof lastBeginningSchema>;

/** Cycles begin at least so far apart, unless they are planned shorter. */
const MIN_CYCLE_MS = 6 * 3_600_000;

/**
 * How long a new cycle has to wait: one that ended early, its simulator unusable, must not become a hot loop of
 * cycles and e-mails. Other settings or another bundle are somebody's answer to it: they do not wait.
 */
export function waitBeforeCycleMs(
  last: LastBeginning | undefined,
  now: { readonly ms: number; readonly settingsSha256: string; readonly budgetMs: number },
): number {
  if (last === undefined || last.settings_sha256 !== now.settingsSha256) return 0;
  const distanceMs = Math.min(now.budgetMs, MIN_CYCLE_MS);
  // A clock that was set back must not make it wait longer than it ever may.
  return Math.min(distanceMs, Math.max(0, Date.parse(last.began_at) + distanceMs - now.ms));
}

/** A machine that is still there so long after its time will not be taken. */
const AFTER_NOTICE_MS = 3 * 60_000;
const MAX_NOTICE_WAIT_MS = 10 * 60_000;

/** How long to wait, without new work, for a machine that was announced to go. */
export function waitAfterNoticeMs(notice: SpotNotice, nowMs: number): number {
  return Math.min(MAX_NOTICE_WAIT_MS, Math.max(0, notice.atMs + AFTER_NOTICE_MS - nowMs));
}
