/** What Python gets of the platform. Everything that it may touch is a field here. */
import { type Database, type DatabaseError, PRIMITIVES, type Primitives } from "../primitives";
import { databaseError } from "../primitives/failure";
import type { RuntimeList } from "./runtime-list";
import type { BootMessage, Session } from "./session";

export interface Host extends OpenedDatabase {
  readonly crypto: Crypto;
  readonly primitives: Primitives;
  readonly locks: LockManager;
  now(): number;
  monotonic(): number;
  /** JSON text: version, codeHash, manifestHash. */
  readonly build: string;
  /** JSON text of the configuration. */
  readonly config: string;
  readonly enclaveOrigin: string;
  /** Posts a JSON text to the frame. */
  send(text: string): void;
}

/** A database that cannot be opened is not a failed start: Python answers `storage.blocked` and the like by name. */
export interface OpenedDatabase {
  readonly database: Database | null;
  readonly databaseError: DatabaseError | null;
}

export async function settleDatabase(opening: Promise<Database>): Promise<OpenedDatabase> {
  try {
    return { database: await opening, databaseError: null };
  } catch (cause) {
    return { database: null, databaseError: databaseError(cause) };
  }
}

export function makeHost(
  boot: BootMessage,
  { version, codeHash }: RuntimeList,
  session: Session,
  opened: OpenedDatabase,
): Host {
  return {
    ...opened,
    crypto,
    primitives: PRIMITIVES,
    locks: navigator.locks,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    build: JSON.stringify({ version, codeHash, manifestHash: boot.manifestHash }),
    config: boot.config,
    enclaveOrigin: new URL(boot.release).origin,
    send: session.send,
  };
}
