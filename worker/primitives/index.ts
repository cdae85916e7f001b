/** What the Python adapters need from JavaScript. Nothing in this folder decides anything. */
import { requestLock } from "./locks";
import { signEd25519, signEs256, verifyEd25519 } from "./signatures";

export { type Database, type DatabaseOptions, openDatabase } from "./database";
export { DatabaseError, type StorageFailure } from "./failure";

/** Handed to Python as `host.primitives`. */
export const PRIMITIVES = {
  signEd25519,
  signEs256,
  verifyEd25519,
  requestLock,
  /** A plain object out of a dict: the default conversion depends on Pyodide's version. */
  toObject: (entries: Iterable<readonly [string, unknown]>): object => Object.fromEntries(entries),
  toView: (buffer: ArrayBuffer): Uint8Array<ArrayBuffer> => new Uint8Array(buffer),
} as const;

export type Primitives = typeof PRIMITIVES;
