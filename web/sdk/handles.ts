/** What a rejected `init()` leaves of an enclave: the ways to its evidence, on the error itself. */

import { KMSError } from "../protocol/errors";
import { LockedError, type LockedHandle } from "./locked";
import { RollbackError, type RollbackHandle } from "./log/rollback";

export function withHandle(thrown: unknown, kms: LockedHandle & RollbackHandle): unknown {
  if (!(thrown instanceof KMSError)) return thrown;
  const handle: LockedHandle = {
    getStatus: () => kms.getStatus(),
    getAuditLog: (params) => kms.getAuditLog(params),
    exportAudit: () => kms.exportAudit(),
    resetKMS: () => kms.resetKMS(),
  };
  if (thrown.code === "attestation.failed") return new LockedError(thrown, handle);
  if (thrown.code !== "audit.rollback") return thrown;
  return new RollbackError(thrown, {
    ...handle,
    getAuditCheckpoint: () => kms.getAuditCheckpoint(),
    verifyAuditChain: (params) => kms.verifyAuditChain(params),
    acceptNewLog: () => kms.acceptNewLog(),
  });
}
