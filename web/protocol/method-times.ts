/** How long a method may take, in milliseconds. The SDK waits this long, the frame a little less. */

import type { MethodName } from "./contract.gen";

const METHOD_MS = 10_000;

/** Methods that derive keys from a passphrase or read the whole log. */
const SLOW_METHOD_MS: Readonly<Partial<Record<MethodName, number>>> = {
  setup: 60_000,
  setupPassphrase: 60_000,
  setupPasskeyPRF: 30_000,
  setupPasskeyGate: 30_000,
  addEnrollment: 60_000,
  removeEnrollment: 30_000,
  changePassphrase: 60_000,
  generateVAPID: 30_000,
  regenerateVAPID: 30_000,
  signJWT: 30_000,
  batch: 30_000,
  setPushSubscription: 30_000,
  removePushSubscription: 30_000,
  createLease: 30_000,
  extendLease: 30_000,
  refreshLease: 30_000,
  resumeLease: 30_000,
  suspendPattern: 30_000,
  unsuspendPattern: 30_000,
  resetKMS: 30_000,
  getAuditLog: 30_000,
  verifyAuditChain: 300_000,
};

export function methodTimeMs(method: MethodName): number {
  return SLOW_METHOD_MS[method] ?? METHOD_MS;
}
