/**
 * What this page's origin remembers of the logs of its enclaves, in its own IndexedDB: the same for all tabs.
 *
 * One pin for each enclave, which moves only from what was compared: two tabs cannot make it
 * go back. Entries are records of their own, which are written without reading: a write is
 * on its way before the page has the token, and a page that is closed then loses none.
 *
 * Where the browser gives the page no storage, or takes it away, nothing is remembered
 * beyond the page's life; nothing fails for that.
 */

import type { LogPin, PinnedEntry } from "./log-check";

const NAME = "kms-user-pins";
const PINS = "pins";
const ENTRIES = "entries";
/** Longer than a slow disk takes; a browser that does not answer at all must not hold a start up for ever. */
const PATIENCE_MS = 2_000;

export interface Remembered {
  readonly pin: LogPin | null;
  readonly entries: readonly PinnedEntry[];
}

const NOTHING: Remembered = Object.freeze({ pin: null, entries: Object.freeze([]) });

export class PinStore {
  /** Origin of the enclave. */
  readonly #enclave: string;
  #database: Promise<IDBDatabase> | null = null;
  /** Waited for once: what answers nothing is not asked again. */
  #isSilent = false;

  constructor(enclave: string) {
    this.#enclave = enclave;
  }

  /** Opens the database ahead of the first use. */
  prepare(): void {
    void this.#run(async () => undefined, undefined);
  }

  read(): Promise<Remembered> {
    return this.#run(async (database) => {
      const transaction = database.transaction([PINS, ENTRIES]);
      const [pin, entries] = await Promise.all([
        settled<LogPin | undefined>(transaction.objectStore(PINS).get(this.#enclave)),
        settled<PinnedEntry[]>(transaction.objectStore(ENTRIES).getAll(this.#range())),
      ]);
      return { pin: pin ?? null, entries };
    }, NOTHING);
  }

  /** Entries that the page was handed, and those which they say as well. */
  keep(puts: readonly PinnedEntry[], deletes: readonly PinnedEntry[]): Promise<void> {
    return this.#run(async (database) => {
      const transaction = database.transaction(ENTRIES, "readwrite");
      const store = transaction.objectStore(ENTRIES);
      for (const entry of puts) store.put(entry, this.#keyOf(entry));
      for (const entry of deletes) store.delete(this.#keyOf(entry));
      transaction.commit();
      await committed(transaction);
    }, undefined);
  }

  /**
   * Moves the pin on from `expected`, and forgets entries that it covers. Resolves to false,
   * with nothing written, where another tab has moved it: what was proved rests on an older one.
   */
  advance(expected: LogPin | null, pin: LogPin, proved: readonly PinnedEntry[]): Promise<boolean> {
    return this.#run(async (database) => {
      const transaction = database.transaction([PINS, ENTRIES], "readwrite");
      const pins = transaction.objectStore(PINS);
      const current = await settled<LogPin | undefined>(pins.get(this.#enclave));
      const isExpected = current?.checkpoint === expected?.checkpoint;
      if (isExpected) {
        pins.put(pin, this.#enclave);
        for (const entry of proved) transaction.objectStore(ENTRIES).delete(this.#keyOf(entry));
      }
      await committed(transaction);
      return isExpected;
    }, true);
  }

  /** Begins anew with another log. */
  renew(pin: LogPin): Promise<void> {
    return this.#run(async (database) => {
      const transaction = database.transaction([PINS, ENTRIES], "readwrite");
      transaction.objectStore(PINS).put(pin, this.#enclave);
      transaction.objectStore(ENTRIES).delete(this.#range());
      await committed(transaction);
    }, undefined);
  }

  #keyOf({ log, seqNum, chainHash }: PinnedEntry): IDBValidKey {
    // With the hash: two entries of one number are a fork, and both have to stay to show it.
    return [this.#enclave, log, seqNum, chainHash];
  }

  #range(): IDBKeyRange {
    return IDBKeyRange.bound([this.#enclave], [this.#enclave, []]);
  }

  async #run<T>(work: (database: IDBDatabase) => Promise<T>, otherwise: T): Promise<T> {
    if (this.#isSilent) return otherwise;
    let patience: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      patience = setTimeout(() => {
        this.#isSilent = true;
        reject(new DOMException("IndexedDB does not answer", "TimeoutError"));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([this.#open().then(work), late]);
    } catch (thrown) {
      if (!(thrown instanceof DOMException)) throw thrown;
      this.#database = null; // The next one tries again.
      return otherwise;
    } finally {
      clearTimeout(patience);
    }
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= openDatabase(() => {
      this.#database = null;
    });
    return this.#database;
  }
}

async function openDatabase(onClosed: () => void): Promise<IDBDatabase> {
  if (!globalThis.indexedDB) throw new DOMException("there is no IndexedDB", "NotSupportedError");
  const opening = indexedDB.open(NAME, 1);
  opening.addEventListener("upgradeneeded", () => {
    opening.result.createObjectStore(PINS);
    opening.result.createObjectStore(ENTRIES);
  });
  const database = await settled<IDBDatabase>(opening);
  // The user clears the page's data, or another tab deletes them.
  database.addEventListener("close", onClosed);
  database.addEventListener("versionchange", () => {
    database.close();
    onClosed();
  });
  return database;
}

function settled<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result as T));
    request.addEventListener("error", () => reject(request.error));
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error ?? new DOMException("aborted", "AbortError")));
  });
}
