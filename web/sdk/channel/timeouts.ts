/** How long each stage of the handshake and each method may take, in milliseconds. */

import { METHOD_TIMES_MS, type MethodName } from "../../protocol/contract.gen";

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

export function methodTimeoutMs(method: MethodName, timeouts: Timeouts): number {
  return timeouts.methodMs ?? METHOD_TIMES_MS[method];
}
