/** A timer that can stand still: time in which a user is being asked does not count. */

export class Deadline {
  readonly #durationMs: number;
  readonly #onExpired: () => void;
  #remainingMs: number;
  #startedAtMs: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(durationMs: number, onExpired: () => void) {
    this.#durationMs = durationMs;
    this.#remainingMs = durationMs;
    this.#onExpired = onExpired;
  }

  get durationMs(): number {
    return this.#durationMs;
  }

  /** Let it run, from where it stood. */
  run(): void {
    if (this.#startedAtMs !== null) return;
    this.#startedAtMs = performance.now();
    this.#timer = setTimeout(this.#onExpired, this.#remainingMs);
  }

  /** Make it stand still. */
  hold(): void {
    if (this.#startedAtMs === null) return;
    this.#remainingMs = Math.max(0, this.#remainingMs - (performance.now() - this.#startedAtMs));
    this.stop();
  }

  /** From the beginning, running. */
  restart(): void {
    this.stop();
    this.#remainingMs = this.#durationMs;
    this.run();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#startedAtMs = null;
  }
}
