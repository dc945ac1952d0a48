/** `--since`: a time in the past, as people type it. */
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
