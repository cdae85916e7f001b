/**
 * The one port to the embedding page.
 *
 * Nothing that arrives here is passed on: a request is checked against the closed method
 * table and made anew from a JSON copy of its params. Whatever names an ID is answered,
 * exactly once, but for a withdrawal; what does not is ignored.
 */

import type { EventMessage } from "../protocol/calls";
import { hasId, isMethodName, isWithdrawal } from "../protocol/calls";
import type { MethodName } from "../protocol/contract.gen";
import { asKMSError, invalidRequest, KMSError } from "../protocol/errors";
import { hasExactly, isText } from "../protocol/guards";
import type { Progress, Ready, Refused } from "../protocol/handshake";
import { formatParams } from "../protocol/json";
import { MAX_CALLS_IN_FLIGHT, MAX_NAME_CHARS } from "../protocol/limits";

/** By then the worker has answered a good part of the calls that fill the port. */
const BUSY_RETRY_MS = 500;

/** Carries one checked request; rejects with KMSError. `withdrawn` fires when the page waits for it no longer. */
export type Perform = (method: MethodName, paramsText: string, withdrawn: AbortSignal) => Promise<unknown>;

export class PagePort {
  readonly #port: MessagePort;
  readonly #perform: Perform;
  readonly #inFlight = new Map<number, AbortController>();

  constructor(port: MessagePort, perform: Perform) {
    this.#port = port;
    this.#perform = perform;
    port.addEventListener("message", ({ data }) => void this.#receive(data));
    // Sent by newer engines when the page's end is closed or gone.
    port.addEventListener("close", () => this.#withdrawAll());
    port.start();
  }

  send(message: Progress | Ready | Refused | EventMessage): void {
    this.#port.postMessage(message);
  }

  async #receive(message: unknown): Promise<void> {
    if (!hasId(message)) return;
    const { id } = message;
    if (isWithdrawal(message)) {
      this.#inFlight.get(id)?.abort();
      return;
    }
    const refusal = this.#admissionRefusal(id);
    if (refusal) {
      this.#replyError(id, refusal);
      return;
    }
    const withdrawal = new AbortController();
    this.#inFlight.set(id, withdrawal);
    try {
      const { method, paramsText } = parseRequest(message);
      const result = await this.#perform(method, paramsText, withdrawal.signal);
      this.#inFlight.delete(id);
      this.#port.postMessage({ id, result });
    } catch (thrown) {
      this.#inFlight.delete(id);
      this.#replyError(id, asKMSError(thrown));
    }
  }

  #withdrawAll(): void {
    for (const withdrawal of this.#inFlight.values()) withdrawal.abort();
  }

  #admissionRefusal(id: number): KMSError | null {
    if (this.#inFlight.has(id)) return invalidRequest("id", "is under way already");
    if (this.#inFlight.size < MAX_CALLS_IN_FLIGHT) return null;
    return new KMSError("request.too.large", `Too many calls at once: ${MAX_CALLS_IN_FLIGHT} are under way`, {
      retryAfterMs: BUSY_RETRY_MS,
      details: { maxCallsInFlight: MAX_CALLS_IN_FLIGHT },
    });
  }

  #replyError(id: number, error: KMSError): void {
    this.#port.postMessage({ id, error: error.toWire() });
  }
}

function parseRequest(message: unknown): { readonly method: MethodName; readonly paramsText: string } {
  if (!hasExactly(message, ["id", "method", "params"])) {
    throw invalidRequest("request", "must have exactly id, method and params");
  }
  const { method, params } = message;
  if (!isMethodName(method)) {
    throw new KMSError("method.unknown", undefined, { details: isText(method, MAX_NAME_CHARS) ? { method } : {} });
  }
  return { method, paramsText: formatParams(params) };
}
