/** Times as people read them, in the language and zone of the browser. */

const DATE_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always" });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export function formatTime(timeMs: number): string {
  return DATE_AND_TIME.format(timeMs);
}

/** «in 12 hours», «3 minutes ago». */
export function formatDistance(timeMs: number, nowMs: number): string {
  const distanceMs = timeMs - nowMs;
  if (Math.abs(distanceMs) < MINUTE_MS) return RELATIVE.format(Math.round(distanceMs / 1_000), "second");
  if (Math.abs(distanceMs) < 2 * HOUR_MS) return RELATIVE.format(Math.round(distanceMs / MINUTE_MS), "minute");
  return RELATIVE.format(Math.round(distanceMs / HOUR_MS), "hour");
}

export function formatDuration(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`;
}
