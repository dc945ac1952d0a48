/** Times as people type them: how long, and since when. */
import { KimtestError } from "../contracts/errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** Unix milliseconds. @throws KimtestError `USAGE` */
export function parseSince(text: string, nowMs: number): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = count === "" ? Date.parse(ISO.test(text) ? text : "") : nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
  if (ms >= 0 && ms <= nowMs) return ms;
  throw new KimtestError("USAGE", `--since is "${text}", which is no time in the past`, {
    hint: "for example 90s, 30m, 2h, 7d or 2026-11-21T10:00:00Z",
  });
}

const MIN_DURATION_MS = 1_000;
const MAX_DURATION_MS = 14 * 24 * 3_600_000;

/** Of an option such as `--duration`: text to milliseconds. @throws KimtestError `USAGE` */
export const parseDuration =
  (option: string) =>
  (text: string): number => {
    const [, count = "", unit = ""] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
    const ms = Number(count) * (UNIT_MS[unit] ?? 0);
    if (ms >= MIN_DURATION_MS && ms <= MAX_DURATION_MS) return ms;
    throw new KimtestError("USAGE", `${option} is "${text}", but must be 1s to 336h`, {
      hint: "for example 90s, 30m or 48h",
    });
  };
