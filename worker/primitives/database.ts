/**
 * The enclave's database: reads, scans and one atomic, revision-checked commit.
 *
 * JavaScript, because a transaction ends as soon as Python awaits one of its requests: everything of a commit happens
 * in synchronous callbacks. It decides nothing. Every function rejects with a {@link DatabaseError} that says how
 * storage failed. What the functions take and give is described in `rows.ts`.
 */
import { Connection, EXPIRES_INDEX, STORE_NAMES, type StoreName } from "./connection";
import { type DatabaseError, databaseError } from "./failure";
import { type Change, formatRows, parseChange, type Rows, revisionOf, type StorageKey } from "./rows";

/** What `commit` resolves with when everything was written; otherwise the index of the expectation that failed. */
const COMMITTED = -1;

export interface Database {
  /** `text`: JSON of `[store, key][]`. One transaction, rows in that order. */
  read(text: string): Promise<Rows>;
  /** Keys above `after` (`undefined`: from the first), in key order. */
  scan(store: StoreName, after: StorageKey | undefined, limit: number): Promise<Rows>;
  scanPrefix(store: StoreName, prefix: string, after: string | undefined, limit: number): Promise<Rows>;
  /** Records whose time has come, oldest first. */
  expired(store: StoreName, nowMs: number, limit: number): Promise<Rows>;
  count(store: StoreName): Promise<number>;
  commit(text: string, keys: readonly CryptoKey[], isDurable: boolean): Promise<number>;
  /** Like `commit`, but every record that is not put is gone afterwards. */
  replaceAll(text: string, keys: readonly CryptoKey[]): Promise<number>;
}

export interface DatabaseOptions {
  readonly name?: string;
  readonly onLost?: (error: DatabaseError) => void;
}

/** Open the database, or reject with a {@link DatabaseError}. */
export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const connection = await Connection.open({ name: "kms", ...options });
  return {
    read: (text) => read(connection, JSON.parse(text)),
    scan: (store, after, limit) =>
      page(connection, store, null, after === undefined ? undefined : IDBKeyRange.lowerBound(after, true), limit),
    scanPrefix: async (store, prefix, after, limit) => {
      const range = prefixRange(prefix, after);
      return range === null ? formatRows([]) : page(connection, store, null, range, limit);
    },
    expired: (store, nowMs, limit) => page(connection, store, EXPIRES_INDEX, IDBKeyRange.upperBound(nowMs), limit),
    count: (store) =>
      connection.transact([store], "readonly", "default", (transaction) => {
        const counting = transaction.objectStore(store).count();
        return settled(transaction, () => counting.result);
      }),
    commit: async (text, keys, isDurable) => {
      const change = parseChange(text, keys);
      const stores = storesOf(change);
      if (stores.length === 0) return COMMITTED;
      return connection.transact(stores, "readwrite", isDurable ? "strict" : "relaxed", (transaction) =>
        write(transaction, change, []),
      );
    },
    replaceAll: async (text, keys) => {
      const change = parseChange(text, keys);
      return connection.transact(STORE_NAMES, "readwrite", "strict", (transaction) =>
        write(transaction, change, STORE_NAMES),
      );
    },
  };
}

function read(
  connection: Connection,
  addresses: readonly (readonly [store: StoreName, key: StorageKey])[],
): Promise<Rows> {
  const stores = [...new Set(addresses.map(([store]) => store))];
  if (stores.length === 0) return Promise.resolve(formatRows([]));
  return connection.transact(stores, "readonly", "default", (transaction) => {
    const requests = addresses.map(([store, key]): IDBRequest<unknown> => transaction.objectStore(store).get(key));
    return settled(transaction, () => formatRows(addresses.map(([, key], index) => [key, requests[index]?.result])));
  });
}

/** Rows of a store, in the order of its keys or of an index. */
function page(
  connection: Connection,
  store: StoreName,
  index: string | null,
  range: IDBKeyRange | undefined,
  limit: number,
): Promise<Rows> {
  return connection.transact([store], "readonly", "default", (transaction) => {
    const records = transaction.objectStore(store);
    const source = index === null ? records : records.index(index);
    // Both come in the order of the source, so they match one by one.
    const keys = source.getAllKeys(range, limit);
    const found: IDBRequest<unknown[]> = source.getAll(range, limit);
    return settled(transaction, () =>
      formatRows(keys.result.map((key, position) => [key as StorageKey, found.result[position]])),
    );
  });
}

/** Null for the empty range. U+FFFF sorts after every character that a key holds. */
function prefixRange(prefix: string, after: string | undefined): IDBKeyRange | null {
  const end = `${prefix}\uffff`;
  if (after === undefined || after < prefix) return IDBKeyRange.bound(prefix, end, false, true);
  return after < end ? IDBKeyRange.bound(after, end, true, true) : null;
}

/** Resolve with `result()` when the transaction is complete; reject when it was aborted. */
function settled<T>(transaction: IDBTransaction, result: () => T): Promise<T> {
  const complete = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(databaseError(transaction.error));
  });
  return complete.then(result);
}

/** Compare every expected revision, then write: all in callbacks of the one transaction. */
function write(transaction: IDBTransaction, change: Change, emptied: readonly StoreName[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let conflict = COMMITTED;
    let cause: unknown = null;
    transaction.oncomplete = () => resolve(COMMITTED);
    transaction.onabort = () => {
      if (conflict === COMMITTED) reject(databaseError(cause ?? transaction.error));
      else resolve(conflict);
    };
    const apply = () => {
      try {
        for (const store of emptied) transaction.objectStore(store).clear();
        for (const [store, key, record] of change.put) transaction.objectStore(store).put(record, key);
        for (const [store, key] of change.delete) transaction.objectStore(store).delete(key);
      } catch (error) {
        // A value that cannot be cloned throws here; without the abort the rest would be written.
        cause = error;
        transaction.abort();
      }
    };
    let waiting = change.expect.length;
    if (waiting === 0) apply();
    change.expect.forEach(([store, key, revision], index) => {
      const request: IDBRequest<unknown> = transaction.objectStore(store).get(key);
      request.onsuccess = () => {
        waiting -= 1;
        if (revisionOf(request.result) !== revision) {
          conflict = index;
          transaction.abort();
        } else if (waiting === 0) apply();
      };
    });
  });
}

function storesOf(change: Change): StoreName[] {
  return [...new Set([...change.expect, ...change.put, ...change.delete].map(([store]) => store))];
}
