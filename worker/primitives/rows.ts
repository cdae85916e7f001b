/**
 * How records cross between IndexedDB, JavaScript and Python.
 *
 * Python reads flat arrays of strings, numbers and keys, and writes one JSON text plus the key handles in order: a
 * crossing of that border costs more than the work behind it. `null` never crosses, because Python would not see None.
 */
import type { StoreName } from "./connection";

export type StorageKey = string | number;

/** The expiry that Python sees of a record that has none, and the revision of one that is not there. */
export const NEVER = -1;
export const ABSENT = 0;

/** A record as it lies in a store, under its out-of-line key. */
export interface StoredRecord {
  readonly revision: number;
  readonly value: string;
  readonly handles: Readonly<Record<string, CryptoKey>>;
  /** Left out where there is none, which keeps the record out of the index. */
  readonly expires?: number;
}

/** `key, revision, value, expires, handles`, with `handles` a flat list of `name, algorithm, key`. */
export const ROW_LENGTH = 5;
export type FlatRows = (StorageKey | (string | CryptoKey)[])[];

export function appendRow(rows: FlatRows, key: StorageKey, record: StoredRecord | undefined): void {
  if (record === undefined) {
    rows.push(key, ABSENT, "", NEVER, []);
    return;
  }
  const handles: (string | CryptoKey)[] = [];
  for (const [name, handle] of Object.entries(record.handles)) {
    // Some browsers hand back null for a key that they could not store: the caller sees that it is missing.
    if (handle?.algorithm) handles.push(name, handle.algorithm.name, handle);
  }
  rows.push(key, record.revision, record.value, record.expires ?? NEVER, handles);
}

export interface Change {
  readonly expect: readonly (readonly [store: StoreName, key: StorageKey, revision: number])[];
  readonly put: readonly (readonly [store: StoreName, key: StorageKey, record: StoredRecord])[];
  readonly delete: readonly (readonly [store: StoreName, key: StorageKey])[];
}

interface ChangeText {
  readonly expect: Change["expect"];
  readonly put: readonly (readonly [StoreName, StorageKey, number, string, number, readonly string[]])[];
  readonly delete: Change["delete"];
}

/** Parse what Python wrote; `keys` are the handles of all puts, in the order of their names. */
export function parseChange(text: string, keys: readonly CryptoKey[]): Change {
  const change: ChangeText = JSON.parse(text);
  let next = 0;
  const put = change.put.map(([store, key, revision, value, expires, names]) => {
    const handles = Object.fromEntries(names.map((name, index) => [name, keys[next + index] as CryptoKey]));
    next += names.length;
    const record = { revision, value, handles, ...(expires === NEVER ? {} : { expires }) };
    return [store, key, record] as const;
  });
  return { expect: change.expect, put, delete: change.delete };
}
