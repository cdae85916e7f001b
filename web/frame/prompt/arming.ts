/**
 * Refuses clicks and Enter while a prompt has just appeared.
 *
 * A page can lure a user into clicking quickly, and show the prompt under the pointer at
 * that moment. So a prompt is armed only when it has been on screen for half a second
 * without a break, and again after each time it was out of sight: a page that keeps the
 * iframe hidden while the time runs gains nothing.
 */

const DELAY_MS = 500;
const VISIBLE_RATIO = 0.5;

export class Arming {
  readonly #observer: IntersectionObserver;
  #visibleSinceMs: number | null = null;

  /** `onVisible` runs each time the element comes into sight. */
  constructor(element: Element, onVisible: () => void) {
    this.#observer = new IntersectionObserver(
      (entries) => {
        const isVisible = (entries.at(-1)?.intersectionRatio ?? 0) >= VISIBLE_RATIO;
        if (!isVisible) this.#visibleSinceMs = null;
        else if (this.#visibleSinceMs === null) {
          this.#visibleSinceMs = performance.now();
          onVisible();
        }
      },
      { threshold: [0, VISIBLE_RATIO] },
    );
    this.#observer.observe(element);
  }

  get isArmed(): boolean {
    return this.#visibleSinceMs !== null && performance.now() - this.#visibleSinceMs >= DELAY_MS;
  }

  stop(): void {
    this.#observer.disconnect();
  }
}
