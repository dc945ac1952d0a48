/** What systemd and the settings say of the service. */
import { KimtestError } from "../../contracts/errors.ts";
import { printable } from "../../runner/phases/digest/printable.ts";
import { readSettingsBefore } from "./install.ts";
import type { Layout } from "./layout.ts";
import { unitProperties } from "./systemd.ts";

export interface ServiceStatus {
  readonly unit: string;
  readonly scope: Layout["scope"];
  /** systemd's words: active, activating, failed, inactive. */
  readonly active_state: string;
  readonly sub_state: string;
  /** As systemd writes it; null when it does not run. */
  readonly since: string | null;
  /** What the runner last said of itself. */
  readonly activity: string | null;
  readonly restarts: number;
  readonly profile: string;
  readonly store: string;
  readonly state_folder: string;
}

const PROPERTIES = ["LoadState", "ActiveState", "SubState", "ActiveEnterTimestamp", "StatusText", "NRestarts"];

/** @throws KimtestError `NOT_FOUND` when it is not installed, `TOOL_MISSING` without systemd. */
export async function serviceStatus(layout: Layout): Promise<ServiceStatus> {
  const settings = await readSettingsBefore(layout.settingsPath);
  const found = await unitProperties(layout, PROPERTIES);
  if (found === undefined) throw new KimtestError("TOOL_MISSING", "systemd cannot be asked here");
  if (settings === undefined || found.get("LoadState") === "not-found") {
    throw new KimtestError("NOT_FOUND", `there is no service ${layout.unit} (looked for ${layout.unitPath})`, {
      hint: "kimtest service install",
    });
  }
  const text = (name: string): string | null => found.get(name) || null;
  return {
    unit: layout.unit,
    scope: layout.scope,
    active_state: text("ActiveState") ?? "unknown",
    sub_state: text("SubState") ?? "unknown",
    since: text("ActiveEnterTimestamp"),
    activity: text("StatusText"),
    restarts: Number(found.get("NRestarts") ?? 0),
    profile: settings.profile,
    store: settings.store,
    state_folder: layout.stateFolder,
  };
}

export function statusText(status: ServiceStatus): string {
  const { unit, active_state: active, sub_state: sub, since, activity, restarts, profile, store } = status;
  const isRunning = active === "active";
  return [
    `${unit}: ${active} (${sub})${isRunning && since !== null ? ` since ${since}` : ""}`,
    ...(activity === null ? [] : [`  ${printable(activity)}`]),
    `  profile ${profile}, store ${store}, ${String(restarts)} restarts`,
    isRunning ? `  kimtest infra-status --store ${store}` : "  kimtest service logs --no-follow --since 1d",
    "",
  ].join("\n");
}
