/** `audit.rollback`: what does not fit, and what is left of the enclave then. */

import type {
  AuditEntry,
  GetAuditCheckpointResult,
  GetAuditLogParams,
  GetAuditLogResult,
  ResetResult,
  StatusResult,
  VerifyAuditChainParams,
  VerifyAuditChainResult,
} from "../../protocol/contract.gen";
import { KMSError } from "../../protocol/errors";
import { isPlainObject } from "../../protocol/guards";
import type { AuditExport } from "./audit-export";
import { type LogCheck, LogMismatch, type LogPin, verifyClosing } from "./log-check";

/** The log that goes on, and the one that was pinned before it. */
export interface AcceptedLog {
  /** First line of its checkpoints. */
  readonly log: string;
  readonly size: number;
  /** Null where nothing was pinned, or what was pinned is this log's beginning. */
  readonly previous: PreviousLog | null;
}

export interface PreviousLog {
  readonly log: string;
  readonly size: number;
  /** Number of its entries when it was ended by a reset, as the new log's first entry shows; null where that shows no such end. */
  readonly endedAt: number | null;
}

export interface RollbackHandle {
  getStatus(): Promise<StatusResult>;
  exportAudit(): Promise<AuditExport>;
  getAuditLog(params?: GetAuditLogParams): Promise<GetAuditLogResult>;
  getAuditCheckpoint(): Promise<GetAuditCheckpointResult>;
  verifyAuditChain(params?: VerifyAuditChainParams): Promise<VerifyAuditChainResult>;
  acceptNewLog(): Promise<AcceptedLog>;
  resetKMS(): Promise<ResetResult>;
}

/** The `audit.rollback` of `init()`. */
export class RollbackError extends KMSError {
  readonly handle: RollbackHandle;

  constructor(error: KMSError, handle: RollbackHandle) {
    super(error.code, error.message, error);
    this.handle = Object.freeze({ ...handle });
  }
}

/** What a check found, kept until a later one finds otherwise or the page accepts it. */
export interface Fault extends End {
  readonly check: LogCheck;
  readonly found: LogPin | null;
  readonly seqNum: number | null;
  readonly pinned: LogPin | null;
}

export function faultOf({ check, found, seqNum }: LogMismatch, pinned: LogPin | null, end: End): Fault {
  return Object.freeze({ check, found, seqNum, pinned, ...end });
}

export function rollbackError({ check, found, seqNum, pinned, endedAt, abandoned }: Fault): KMSError {
  return new KMSError(
    "audit.rollback",
    `The enclave's audit log is not what this page has seen of it: ${WORDS[check]}`,
    {
      details: {
        check,
        pinnedLog: pinned?.log ?? null,
        pinnedSize: pinned?.size ?? null,
        foundLog: found?.log ?? null,
        foundSize: found?.size ?? null,
        seqNum,
        endedAt,
        abandoned,
      },
    },
  );
}

const WORDS: Readonly<Record<LogCheck, string>> = {
  checkpoint: "its checkpoint is not signed by its own key",
  auditCertificate: "the user's audit key does not certify the key that signs it",
  log: "it is another log",
  instanceKey: "the key that signs it is another one",
  auditKey: "the user's audit key is another one",
  size: "it is shorter",
  consistency: "its beginning is another one",
  entry: "it lacks an entry that was handed to this page",
};

/** How the new log's first entry says that the pinned one ended. */
export interface End {
  /** The signed note over all of it, as the reset made it. */
  readonly closing: string | null;
  readonly endedAt: number | null;
  /** Why the enclave was locked, where a log too damaged to be ended was given up. */
  readonly abandoned: string | null;
}

export const NO_END: End = Object.freeze({ closing: null, endedAt: null, abandoned: null });

/** That the ended log grew from the pinned one nobody can prove any more: it is deleted. */
export async function endOf(pin: LogPin, genesis: AuditEntry | null): Promise<End> {
  const previous = genesis?.details?.previousLog;
  if (!isPlainObject(previous)) return NO_END;
  const { abandoned, checkpoint } = previous;
  if (typeof abandoned === "string") return { ...NO_END, abandoned };
  if (typeof checkpoint !== "string") return NO_END;
  try {
    return { ...NO_END, closing: checkpoint, endedAt: (await verifyClosing(checkpoint, pin)).size };
  } catch (thrown) {
    if (!(thrown instanceof LogMismatch)) throw thrown;
    return NO_END; // It names another log's end, or one that is shorter than what was seen.
  }
}
