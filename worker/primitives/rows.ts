/**
 * How records cross between IndexedDB, JavaScript and Python.
 *
 * One JSON text and the key handles in order, both ways: each object that crosses that border by itself costs more than
 * the work behind it (300 records as nested arrays 59 ms, as text 12 ms). What is read brings its values in a text of
 * their own: values are JSON, and JSON within JSON costs both sides more than all of the rest.
 */
import type { StoreName } from "./connection";

export type StorageKey = string | number;

/** The revision of a record that is not there. */
export const ABSENT = 0;

/** The revision of a record that none of ours has written: it can be replaced, like any other. */
const DAMAGED = 1;

/** Between values. None of ours has one: JSON escapes it. */
const SEPARATOR = "\0";

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
  /** JSON of `[key, revision, expires | null, [name, algorithm, name, algorithm, …]][]`. */
  readonly text: string;
  /** As many, U+0000 between them. */
  readonly values: string;
  /** The handles of all rows, in the order of their names. */
  readonly keys: readonly CryptoKey[];
}

/** What is stored was perhaps not written by us: a record of another shape has no value and no handles. */
export function formatRows(records: readonly (readonly [key: StorageKey, record: unknown])[]): Rows {
  const keys: CryptoKey[] = [];
  const values: string[] = [];
  const rows = records.map(([key, record]) => {
    const isWhole = isStoredRecord(record);
    values.push(isWhole ? record.value : "");
    if (!isWhole) return [key, record === undefined ? ABSENT : DAMAGED, null, []];
    const names: string[] = [];
    for (const [name, handle] of Object.entries(record.handles)) {
      // Some browsers hand back null for a key that they could not store: the caller sees that it is missing.
      if (!(handle instanceof CryptoKey)) continue;
      names.push(name, handle.algorithm.name);
      keys.push(handle);
    }
    return [key, record.revision, record.expires ?? null, names];
  });
  return { text: JSON.stringify(rows), values: values.join(SEPARATOR), keys };
}

/** By which a writer knows the record that it has read. */
export function revisionOf(record: unknown): number {
  if (record === undefined) return ABSENT;
  return isStoredRecord(record) ? record.revision : DAMAGED;
}

function isStoredRecord(record: unknown): record is StoredRecord {
  const { revision, value, handles, expires = 0 } = (record ?? {}) as Partial<StoredRecord>;
  return (
    Number.isSafeInteger(revision) &&
    typeof value === "string" &&
    !value.includes(SEPARATOR) &&
    typeof handles === "object" &&
    handles !== null &&
    Number.isSafeInteger(expires)
  );
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
