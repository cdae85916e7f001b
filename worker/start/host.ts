/** What Python gets of the platform. Everything that it may touch is a field here. */
import { type Database, PRIMITIVES, type Primitives } from "../primitives";
import type { RuntimeList } from "./runtime-list";
import type { BootMessage, Session } from "./session";

export interface Host {
  readonly crypto: Crypto;
  readonly database: Database;
  readonly primitives: Primitives;
  readonly locks: LockManager;
  now(): number;
  monotonic(): number;
  /** Calls back as a microtask. */
  defer(callback: () => void): void;
  /** JSON text: version, codeHash, manifestHash. */
  readonly build: string;
  /** JSON text of the configuration. */
  readonly config: string;
  readonly enclaveOrigin: string;
  /** Of the outermost page around the enclave. */
  readonly topOrigin: string;
  /** Posts a JSON text to the frame. */
  send(text: string): void;
}

export function makeHost(
  boot: BootMessage,
  { version, codeHash }: RuntimeList,
  session: Session,
  database: Database,
): Host {
  return {
    crypto,
    database,
    primitives: PRIMITIVES,
    locks: navigator.locks,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    defer: (callback) => queueMicrotask(callback),
    build: JSON.stringify({ version, codeHash, manifestHash: boot.manifestHash }),
    config: boot.config,
    enclaveOrigin: new URL(boot.release).origin,
    topOrigin: boot.topOrigin,
    send: session.send,
  };
}
