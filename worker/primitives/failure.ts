/** Why storage cannot be used. The words are those of the error codes `storage.<failure>`. */
export type StorageFailure = "blocked" | "unavailable" | "full" | "evicted" | "newer";

/** What every function of the database rejects with. */
export class DatabaseError extends Error {
  readonly failure: StorageFailure;

  constructor(failure: StorageFailure, message: string) {
    super(message);
    this.name = "DatabaseError";
    this.failure = failure;
  }
}

const FAILURES: Readonly<Record<string, StorageFailure>> = {
  QuotaExceededError: "full",
  VersionError: "newer",
  SecurityError: "blocked",
  // The stores are gone, although the database was opened: somebody cleared the site's data.
  NotFoundError: "evicted",
};

/** Name the failure behind what IndexedDB threw, rejected with or aborted for. */
export function databaseError(cause: unknown): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  if (!(cause instanceof Error)) return new DatabaseError("unavailable", "IndexedDB: aborted without a reason");
  // Chromium, third-party storage blocked: «UnknownError: The user denied permission to access the database».
  // Firefox, storage forbidden: «InvalidStateError: A mutation operation was attempted on a database that did not
  // allow mutations».
  const denied = /denied permission|did not allow mutations/i.test(cause.message);
  const failure = denied ? "blocked" : (FAILURES[cause.name] ?? "unavailable");
  return new DatabaseError(failure, `IndexedDB: ${cause.name}: ${cause.message}`);
}
