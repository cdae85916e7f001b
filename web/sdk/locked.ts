/** What is left of an enclave that failed its own checks: the evidence, readable, and a reset that the user confirms. */

import type { GetAuditLogParams, GetAuditLogResult, ResetResult, StatusResult } from "../protocol/contract.gen";
import { KMSError } from "../protocol/errors";
import type { AuditExport } from "./log/audit-export";

export interface LockedHandle {
  getStatus(): Promise<StatusResult>;
  exportAudit(): Promise<AuditExport>;
  getAuditLog(params?: GetAuditLogParams): Promise<GetAuditLogResult>;
  resetKMS(): Promise<ResetResult>;
}

/** The `attestation.failed` of `init()`. */
export class LockedError extends KMSError {
  readonly handle: LockedHandle;

  constructor(error: KMSError, handle: LockedHandle) {
    super(error.code, error.message, error);
    this.handle = Object.freeze({ ...handle });
  }
}
