/**
 * How often a page may have the user refuse.
 *
 * A page that asks again and again wears a user down until one prompt is accepted. After
 * five refusals within a minute nothing is shown until the first of them is a minute old.
 */

const WINDOW_MS = 60_000;
const MAX_REFUSALS = 5;

export function recentRefusals(refusedAtMs: readonly number[], nowMs: number): readonly number[] {
  return refusedAtMs.filter((at) => nowMs - at < WINDOW_MS);
}

/** How long the pause still lasts; 0 where there is none. */
export function pauseMs(refusedAtMs: readonly number[], nowMs: number): number {
  const recent = recentRefusals(refusedAtMs, nowMs);
  const first = recent.at(-MAX_REFUSALS);
  return first === undefined ? 0 : Math.ceil(first + WINDOW_MS - nowMs);
}
