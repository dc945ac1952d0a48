/** The settings that an installation writes: what is asked for now, and for the rest what was there before. Pure. */
import type { HostSettings } from "../../contracts/host.ts";

export interface SettingsChoice {
  readonly store?: string | undefined;
  readonly profile?: string | undefined;
  readonly repo?: string | undefined;
  readonly branch?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly notify?: readonly string[] | undefined;
}

export function settingsFor(
  choice: SettingsChoice,
  before: HostSettings | undefined,
  defaultStore: string,
): HostSettings {
  const { store, profile, repo, branch, durationMs, notify } = choice;
  return {
    version: 1,
    host: "plain",
    store: store ?? before?.store ?? defaultStore,
    profile: profile ?? before?.profile ?? "kimberlite",
    repo: repo ?? before?.repo ?? null,
    branch: branch ?? before?.branch ?? null,
    run_duration_hours: durationMs === undefined ? (before?.run_duration_hours ?? 48) : durationMs / 3_600_000,
    enable_fuzzing: before?.enable_fuzzing ?? true,
    enable_formal_verification: before?.enable_formal_verification ?? true,
    enable_benchmarks: before?.enable_benchmarks ?? true,
    seed_offset: before?.seed_offset ?? 0n,
    vopr_flags: before?.vopr_flags ?? [],
    notify_command: notify === undefined ? (before?.notify_command ?? null) : [...notify],
  };
}
