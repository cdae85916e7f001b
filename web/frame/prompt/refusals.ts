/**
 * How often a page may have the user refuse.
 *
 * A page that asks again and again wears a user down until one prompt is accepted. After
 * five refusals within a minute nothing is shown until the first of them is a minute old.
 * They are remembered for the tab, since a page can load the iframe anew as often as it
 * likes, and embed several.
 */

const WINDOW_MS = 60_000;
const MAX_REFUSALS = 5;
const ITEM = "kms:refused-prompts";

export class Refusals {
  /** Where the browser gives this page no storage. */
  #unstored: readonly number[] = [];

  add(nowMs: number): void {
    const atMs = [...this.#recent(nowMs), nowMs].slice(-MAX_REFUSALS);
    try {
      sessionStorage.setItem(ITEM, JSON.stringify(atMs));
    } catch {
      this.#unstored = atMs;
    }
  }

  /** How long the pause still lasts; 0 where there is none. */
  pauseMs(nowMs: number): number {
    const first = this.#recent(nowMs).at(-MAX_REFUSALS);
    return first === undefined ? 0 : Math.ceil(first + WINDOW_MS - nowMs);
  }

  #recent(nowMs: number): readonly number[] {
    // What lies ahead of a clock that was set back says nothing any more.
    return this.#remembered().filter((atMs) => atMs <= nowMs && nowMs - atMs < WINDOW_MS);
  }

  #remembered(): readonly number[] {
    try {
      const stored: unknown = JSON.parse(sessionStorage.getItem(ITEM) ?? "null");
      if (Array.isArray(stored)) return stored.filter((atMs) => typeof atMs === "number");
    } catch {
      // No storage, or not what was put there.
    }
    return this.#unstored;
  }
}
