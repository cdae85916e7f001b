const TICK_MS = 50;

/**
 * Settle as `work` does, or reject with `late()` after `budgetMs`.
 *
 * The budget is spent in short ticks, so a thread that is busy for a while (wasm being compiled) does not use it
 * up: only time in which the answer could have been handled counts.
 */
export function settleWithin<T>(work: Promise<T>, budgetMs: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = Math.ceil(budgetMs / TICK_MS);
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      reject(late());
    }, TICK_MS);
    work.then(resolve, reject).finally(() => clearInterval(timer));
  });
}
