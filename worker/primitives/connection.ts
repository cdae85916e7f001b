/**
 * One connection to the enclave's IndexedDB, which comes back when the browser closes it.
 *
 * Opening settles within its deadline, also when `open` never fires an event; what a transaction takes is the caller's
 * to limit. A database that was there and is gone is `evicted`: it is never silently made anew, because an empty log
 * must not look like a first start to a worker that has seen it full. It is looked for as soon as the browser closes the
 * connection, so that the loss is known before anybody asks.
 */
import { settleWithin } from "./deadline";
import { DatabaseError, databaseError } from "./failure";

/** The stores of schema version 1, by the names of the storage port. */
export const STORE_NAMES = [
  "meta",
  "enrollments",
  "keys",
  "leases",
  "quotas",
  "grants",
  "tokens",
  "audit",
  "tree",
] as const;
export type StoreName = (typeof STORE_NAMES)[number];

export const EXPIRES_INDEX = "expires";

const SCHEMA_VERSION = 1;

const LOOK_AGAIN_AFTER_MS = [0, 25, 50, 100, 200, 400] as const;

/** At the start. A cold browser on a slow disk takes its time; storage that is denied is told at once. */
const OPEN_DEADLINE_MS = 5_000;
/** Later, when a call waits for it. */
const REOPEN_DEADLINE_MS = 1_000;

export interface ConnectionOptions {
  readonly name: string;
  /** Called when the database is gone, or belongs to a newer version, while the connection is in use. */
  readonly onLost?: (error: DatabaseError) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #database: IDBDatabase | null = null;
  #opening: Promise<IDBDatabase> | null = null;
  #looking: Promise<DatabaseError | null> | null = null;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Open, creating the database where there is none. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    await connection.#connect(true);
    return connection;
  }

  /**
   * Begin a transaction and run `work` in the same turn, before the transaction can become inactive.
   *
   * A connection that was closed in the meantime is opened again, once. That is safe: nothing was written yet. What the
   * browser takes away while it is used fails with the reason for that.
   */
  async transact<T>(
    stores: readonly StoreName[],
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
    work: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      if (this.#looking) await this.#requireStillThere(this.#looking);
      const database = this.#database ?? (await this.#connect(false));
      let transaction: IDBTransaction;
      try {
        transaction = database.transaction(stores, mode, { durability });
      } catch (error) {
        const isClosed = error instanceof DOMException && error.name === "InvalidStateError";
        if (!isClosed || attempt > 0) throw databaseError(error);
        await this.#requireStillThere(this.#lookAgain(database));
        continue;
      }
      try {
        return await work(transaction);
      } catch (error) {
        // No abort of ours has an error: the browser closed the connection, and does not say why.
        if (transaction.error?.name === "AbortError") await this.#requireStillThere(this.#lookAgain(database));
        throw error;
      }
    }
  }

  #connect(mayCreate: boolean): Promise<IDBDatabase> {
    this.#opening ??= this.#open(mayCreate).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(mayCreate: boolean): Promise<IDBDatabase> {
    let isLate = false;
    const opened = openOnce(this.#options.name, mayCreate).then((database) => {
      if (isLate) database.close();
      return database;
    });
    const database = await settleWithin(opened, mayCreate ? OPEN_DEADLINE_MS : REOPEN_DEADLINE_MS, () => {
      isLate = true;
      return noAnswer();
    });
    // Another tab wants to delete or upgrade; holding on would block it for good.
    database.onversionchange = () => {
      database.close();
      void this.#lookAgain(database);
    };
    database.onclose = () => void this.#lookAgain(database);
    this.#database = database;
    return database;
  }

  #forget(database: IDBDatabase): void {
    if (this.#database === database) this.#database = null;
  }

  /** Throws why a connection was closed, where that is known within the deadline, or that nothing answers. */
  async #requireStillThere(looking: Promise<DatabaseError | null>): Promise<void> {
    const lost = await settleWithin(looking, REOPEN_DEADLINE_MS, noAnswer);
    if (lost) throw lost;
  }

  /** Find out why a connection was closed; null where the database is still there, or nothing says why. */
  #lookAgain(database: IDBDatabase): Promise<DatabaseError | null> {
    if (this.#database === database) {
      this.#forget(database);
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
    }
    return this.#looking ?? Promise.resolve(null);
  }

  /**
   * After a deletion or an upgrade by script the request waits its turn behind it. While the browser itself clears a
   * site's data, Chromium refuses to open anything for a moment.
   */
  async #look(): Promise<DatabaseError | null> {
    for (const pauseMs of LOOK_AGAIN_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (this.#database) return null;
      const error = await this.#connect(false).then(() => null, databaseError);
      if (error === null) return null;
      if (error.failure === "evicted" || error.failure === "newer") {
        this.#options.onLost?.(error);
        return error;
      }
    }
    return null;
  }
}

function noAnswer(): DatabaseError {
  return new DatabaseError("unavailable", "IndexedDB does not answer");
}

function openOnce(name: string, mayCreate: boolean): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    // Where storage is forbidden, the property can be missing, and reading it or `open` can throw.
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, SCHEMA_VERSION);
    } catch (error) {
      reject(databaseError(error));
      return;
    }
    let isGone = false;
    request.onupgradeneeded = () => {
      if (mayCreate) createStores(request.result);
      else {
        isGone = true;
        request.transaction?.abort();
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      reject(isGone ? new DatabaseError("evicted", "the database is gone") : databaseError(request.error));
    };
  });
}

function createStores(database: IDBDatabase): void {
  for (const name of STORE_NAMES) {
    // Keys are out of line: the value of a record is opaque text.
    database.createObjectStore(name).createIndex(EXPIRES_INDEX, "expires");
  }
}
