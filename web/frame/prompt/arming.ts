/**
 * Refuses clicks and Enter while a prompt has just appeared, or is not what the user sees.
 *
 * A page can lure a user into clicking quickly, and show the prompt under the pointer at
 * that moment; or lay something over it that lets clicks through. So a prompt is armed
 * only when it has been on screen, whole and uncovered, for half a second without a break: a
 * page that hides or covers the iframe while the time runs gains nothing. Nor does one that
 * shows only the field and the button, and cuts off who asks and for what, nor one that
 * makes the window so low that the dialog has to scroll them away.
 *
 * Only Chromium tells whether something covers an element (Intersection Observer v2).
 * Does not protect elsewhere from a cover that lets clicks through; a prompt in a window
 * of its own does.
 */

const DELAY_MS = 500;

/** All of it, but for what rounding takes. A dialog is never larger than its window: what is missing was cut off. */
const WHOLE_RATIO = 0.98;

/** In a lower window no prompt has room for what must be seen together. */
const MIN_WINDOW_HEIGHT = 220;

/** The smallest that Intersection Observer v2 allows. */
const COVER_DELAY_MS = 100;

/** `early`: wait, even to cancel. `covered`: something lies over what the user is to read or press, or cuts it off. */
export type Armed = "armed" | "early" | "covered";

interface VisibilityObserverInit extends IntersectionObserverInit {
  readonly trackVisibility: true;
  readonly delay: number;
}

export interface ArmingObserver {
  /** The element comes into sight. */
  onVisible(): void;
  /** The state may be another one. */
  onChange(): void;
}

export class Arming {
  readonly #observer: ArmingObserver;
  readonly #sight: IntersectionObserver;
  readonly #covers: IntersectionObserver | null;
  readonly #covered = new Set<Element>();
  /** What the dialog itself scrolls away; `isVisible` of an entry says nothing of that. */
  readonly #clips: IntersectionObserver;
  readonly #clipped = new Set<Element>();
  /** With what stands there now. */
  #inSightSinceMs: number | null = null;
  #isWhole = false;
  #isCutOff = false;
  #clearSinceMs: number | null = null;
  #delay: ReturnType<typeof setTimeout> | undefined;

  constructor(element: Element, observer: ArmingObserver) {
    this.#observer = observer;
    this.#sight = new IntersectionObserver(
      (entries) => {
        const ratio = entries.at(-1)?.intersectionRatio ?? 0;
        const appeared = ratio >= WHOLE_RATIO && !this.#isWhole;
        this.#isWhole = ratio >= WHOLE_RATIO;
        this.#isCutOff = ratio > 0 && !this.#isWhole;
        this.#inSightSinceMs = ratio > 0 ? (this.#inSightSinceMs ?? performance.now()) : null;
        this.#update();
        if (appeared) observer.onVisible();
      },
      { threshold: [0, WHOLE_RATIO] },
    );
    this.#sight.observe(element);
    window.addEventListener("resize", this.#onResize);
    this.#clips = new IntersectionObserver(
      (entries) => {
        for (const { target, intersectionRatio } of entries) {
          if (intersectionRatio < WHOLE_RATIO) this.#clipped.add(target);
          else this.#clipped.delete(target);
        }
        this.#update();
      },
      { threshold: [0, WHOLE_RATIO] },
    );
    this.#covers = observeCovers((part, isCovered) => {
      if (isCovered) this.#covered.add(part);
      else this.#covered.delete(part);
      this.#update();
    });
  }

  get state(): Armed {
    if (this.#inSightSinceMs === null || performance.now() - this.#inSightSinceMs < DELAY_MS) return "early";
    if (this.#covered.size > 0 || this.#isCutOff || (this.#isWhole && this.#hidesParts())) return "covered";
    return this.#leftMs() > 0 ? "early" : "armed";
  }

  /** `parts` must be in sight, whole, and not covered. Text fields do not belong there: password managers lay their buttons over them. */
  watch(parts: readonly Element[]): void {
    this.#covers?.disconnect();
    this.#covered.clear();
    this.#clips.disconnect();
    this.#clipped.clear();
    for (const part of parts) {
      this.#covers?.observe(part);
      this.#clips.observe(part);
    }
  }

  /** Other content stands where the last was: the half second begins anew. */
  restart(): void {
    this.#clearSinceMs = null;
    if (this.#inSightSinceMs !== null) this.#inSightSinceMs = performance.now();
    this.#update();
  }

  stop(): void {
    this.#sight.disconnect();
    window.removeEventListener("resize", this.#onResize);
    clearTimeout(this.#delay);
    this.#covers?.disconnect();
    this.#clips.disconnect();
  }

  readonly #onResize = (): void => this.#update();

  #update(): void {
    if (!this.#isWhole || this.#covered.size > 0 || this.#hidesParts()) this.#clearSinceMs = null;
    else this.#clearSinceMs ??= performance.now();
    this.#tell();
  }

  /** Once now, and once more when the half second is over. A timer may fire early, so it only looks again. */
  #tell(): void {
    clearTimeout(this.#delay);
    const leftMs = this.#leftMs();
    if (leftMs > 0 && leftMs < Infinity) this.#delay = setTimeout(() => this.#tell(), leftMs);
    this.#observer.onChange();
  }

  /** How long it must still be clear; without end while it is not. */
  #leftMs(): number {
    return this.#clearSinceMs === null ? Infinity : this.#clearSinceMs + DELAY_MS - performance.now();
  }

  #hidesParts(): boolean {
    return this.#clipped.size > 0 || innerHeight < MIN_WINDOW_HEIGHT;
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
