/**
 * Refuses clicks and Enter while a prompt has just appeared, or is not what the user sees.
 *
 * A page can lure a user into clicking quickly, and show the prompt under the pointer at
 * that moment; or lay something over it that lets clicks through. So a prompt is armed
 * only when it has been on screen, uncovered, for half a second without a break: a page
 * that hides or covers the iframe while the time runs gains nothing.
 *
 * Only Chromium tells whether something covers an element (Intersection Observer v2).
 * Does not protect elsewhere from a cover that lets clicks through; a prompt in a window
 * of its own does.
 */

const DELAY_MS = 500;
const VISIBLE_RATIO = 0.5;

/** The smallest that Intersection Observer v2 allows. */
const COVER_DELAY_MS = 100;

/** `early`: wait. `covered`: something lies over what the user is to read or press. */
export type Armed = "armed" | "early" | "covered";

interface VisibilityObserverInit extends IntersectionObserverInit {
  readonly trackVisibility: true;
  readonly delay: number;
}

export class Arming {
  readonly #sight: IntersectionObserver;
  readonly #covers: IntersectionObserver | null;
  readonly #covered = new Set<Element>();
  #isVisible = false;
  #clearSinceMs: number | null = null;

  /** `onVisible` runs each time the element comes into sight. */
  constructor(element: Element, onVisible: () => void) {
    this.#sight = new IntersectionObserver(
      (entries) => {
        const isVisible = (entries.at(-1)?.intersectionRatio ?? 0) >= VISIBLE_RATIO;
        const appeared = isVisible && !this.#isVisible;
        this.#isVisible = isVisible;
        this.#update();
        if (appeared) onVisible();
      },
      { threshold: [0, VISIBLE_RATIO] },
    );
    this.#sight.observe(element);
    this.#covers = observeCovers((part, isCovered) => {
      if (isCovered) this.#covered.add(part);
      else this.#covered.delete(part);
      this.#update();
    });
  }

  get state(): Armed {
    if (this.#covered.size > 0) return "covered";
    return this.#clearSinceMs !== null && performance.now() - this.#clearSinceMs >= DELAY_MS ? "armed" : "early";
  }

  /** `parts` must not be covered. Text fields do not belong there: password managers lay their buttons over them. */
  watch(parts: readonly Element[]): void {
    this.#covers?.disconnect();
    this.#covered.clear();
    for (const part of parts) this.#covers?.observe(part);
  }

  /** Other content stands where the last was: the half second begins anew. */
  restart(): void {
    this.#clearSinceMs = null;
    this.#update();
  }

  stop(): void {
    this.#sight.disconnect();
    this.#covers?.disconnect();
  }

  #update(): void {
    if (!this.#isVisible || this.#covered.size > 0) this.#clearSinceMs = null;
    else this.#clearSinceMs ??= performance.now();
  }
}

function observeCovers(onChange: (part: Element, isCovered: boolean) => void): IntersectionObserver | null {
  if (!("isVisible" in IntersectionObserverEntry.prototype)) return null;
  const options: VisibilityObserverInit = { trackVisibility: true, delay: COVER_DELAY_MS };
  return new IntersectionObserver((entries) => {
    for (const entry of entries) {
      onChange(entry.target, entry.isIntersecting && "isVisible" in entry && entry.isVisible === false);
    }
  }, options);
}
