/** Times as people read them: in their own time zone, or in UTC where that is asked for; and how long something is. */

/** ISO 8601 or Unix milliseconds to `2026-11-21 12:00:00`; in UTC with a Z behind it. */
export type InstantText = (instant: string | number) => string;

/** `timeZone`: an IANA name, the reader's. */
export function instantText(timeZone: string, utc: boolean | undefined): InstantText {
  // The Swedish form is this one.
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: utc === true ? "UTC" : timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (instant) => `${format.format(new Date(instant))}${utc === true ? "Z" : ""}`;
}

export function span(ms: number): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${String(minutes)} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${String(hours)} h` : `${String(Math.round(hours / 24))} d`;
}

export const ago = (instant: string, nowMs: number): string => `${span(nowMs - Date.parse(instant))} ago`;
