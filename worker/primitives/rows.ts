/**
 * How records cross between IndexedDB, JavaScript and Python.
 *
 * One JSON text and the key handles in order, both ways: each object that crosses that border by itself costs more than
 * the work behind it (300 records as nested arrays 59 ms, as text 12 ms).
 */
import type { StoreName } from "./connection";

export type StorageKey = string | number;

/** The revision of a record that is not there. */
export const ABSENT = 0;

/** A record as it lies in a store, under its out-of-line key. */
export interface StoredRecord {
  readonly revision: number;
  readonly value: string;
  readonly handles: Readonly<Record<string, CryptoKey>>;
  /** Left out where there is none, which keeps the record out of the index. */
  readonly expires?: number;
}

/** What Python reads. */
export interface Rows {
  /** JSON of `[key, revision, value, expires | null, [name, algorithm, name, algorithm, …]][]`. */
  readonly text: string;
  /** The handles of all rows, in the order of their names. */
  readonly keys: readonly CryptoKey[];
}

export function formatRows(records: readonly (readonly [key: StorageKey, record: StoredRecord | undefined])[]): Rows {
  const keys: CryptoKey[] = [];
  const rows = records.map(([key, record]) => {
    if (record === undefined) return [key, ABSENT, "", null, []];
    const names: string[] = [];
    for (const [name, handle] of Object.entries(record.handles)) {
      // Some browsers hand back null for a key that they could not store: the caller sees that it is missing.
      if (!handle?.algorithm) continue;
      names.push(name, handle.algorithm.name);
      keys.push(handle);
    }
    return [key, record.revision, record.value, record.expires ?? null, names];
  });
  return { text: JSON.stringify(rows), keys };
}

export interface Change {
  readonly expect: readonly (readonly [store: StoreName, key: StorageKey, revision: number])[];
  readonly put: readonly (readonly [store: StoreName, key: StorageKey, record: StoredRecord])[];
  readonly delete: readonly (readonly [store: StoreName, key: StorageKey])[];
}

interface ChangeText {
  readonly expect: Change["expect"];
  readonly put: readonly (readonly [StoreName, StorageKey, number, string, number | null, readonly string[]])[];
  readonly delete: Change["delete"];
}

/** Parse what Python wrote; `keys` are the handles of all puts, in the order of their names. */
export function parseChange(text: string, keys: readonly CryptoKey[]): Change {
  const change: ChangeText = JSON.parse(text);
  let next = 0;
  const put = change.put.map(([store, key, revision, value, expires, names]) => {
    const handles = Object.fromEntries(names.map((name, index) => [name, keys[next + index] as CryptoKey]));
    next += names.length;
    const record = { revision, value, handles, ...(expires === null ? {} : { expires }) };
    return [store, key, record] as const;
  });
  return { expect: change.expect, put, delete: change.delete };
}
