/** A Web Lock that Python asks for, waits for and lets go, in this order or without waiting. */
export interface RequestedLock {
  /** Resolves when the lock is held; rejects where the browser refuses locks. */
  readonly granted: Promise<void>;
  /** Let the lock go. Before it was granted: give it up as soon as it comes. */
  release(): void;
}

export function requestLock(locks: LockManager, name: string): RequestedLock {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const granted = new Promise<void>((resolve, reject) => {
    // The callback's promise holds the lock. It may be stolen or refused at any time: both reject here.
    locks
      .request(name, () => {
        resolve();
        return released;
      })
      .catch(reject);
  });
  return { granted, release };
}
