/** When a crashed worker may start again: at once, then later and later, so that a crash loop stays slow. */

const WINDOW_MS = 60_000;
const DELAYS_MS = [0, 1_000, 5_000] as const;
const SLOWEST_MS = 30_000;

/** `crashedAtMs`: times of earlier crashes and of the one just seen, on the clock of `nowMs`. */
export function restartDelayMs(crashedAtMs: readonly number[], nowMs: number): number {
  return DELAYS_MS[recentCrashes(crashedAtMs, nowMs).length - 1] ?? SLOWEST_MS;
}

export function recentCrashes(crashedAtMs: readonly number[], nowMs: number): readonly number[] {
  return crashedAtMs.filter((at) => nowMs - at < WINDOW_MS);
}
