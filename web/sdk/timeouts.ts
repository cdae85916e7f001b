/** How long each stage of the handshake and each method may take, in milliseconds. */

import type { MethodName } from "../protocol/contract.gen";

export interface Timeouts {
  /** From creating the iframe to its first word. A page that the enclave is not configured for waits this long. */
  readonly helloMs: number;
  /** From answering it to the first message on the port. */
  readonly connectMs: number;
  /** The longest silence between two signs of progress while the worker starts. */
  readonly startMs: number;
  /** How long a prompt keeps the deadlines of methods standing still; from then on they run, prompt or no prompt. */
  readonly promptMs: number;
  /** Instead of the method's own time, for every method. */
  readonly methodMs?: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = Object.freeze({
  helloMs: 10_000,
  connectMs: 5_000,
  startMs: 160_000,
  promptMs: 600_000,
});

export const TIMEOUT_NAMES: ReadonlySet<string> = new Set([...Object.keys(DEFAULT_TIMEOUTS), "methodMs"]);

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

export function methodTimeoutMs(method: MethodName, timeouts: Timeouts): number {
  return timeouts.methodMs ?? SLOW_METHOD_MS[method] ?? METHOD_MS;
}
