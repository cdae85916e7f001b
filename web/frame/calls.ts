/**
 * The calls that are under way in the worker.
 *
 * IDs on the worker's channel are the frame's own: what a page chose never appears
 * there. While no worker answers, calls wait; the port bounds how many there can be.
 */

import type { Reply } from "../protocol/calls";
import type { MethodName } from "../protocol/contract.gen";
import { formatEnclaveRequest } from "../protocol/enclave";
import { KMSError } from "../protocol/errors";

/** The part of the supervisor that calls need. */
export interface EnclaveChannel {
  readonly answers: boolean;
  post(text: string): void;
}

interface Call {
  readonly text: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: KMSError) => void;
}

export class Calls {
  readonly #channel: EnclaveChannel;
  readonly #sent = new Map<number, Call>();
  readonly #waiting = new Map<number, Call>();
  #nextId = 0;

  constructor(channel: EnclaveChannel) {
    this.#channel = channel;
  }

  /** `paramsText`: the JSON text of checked params. Rejects with KMSError. */
  call(method: MethodName, paramsText: string, origin: string): Promise<unknown> {
    const id = this.#nextId++;
    const text = formatEnclaveRequest(id, method, paramsText, origin);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { text, resolve, reject });
      this.flush();
    });
  }

  /** Send what waits, if somebody answers. */
  flush(): void {
    if (!this.#channel.answers) return;
    for (const [id, call] of this.#waiting) {
      this.#sent.set(id, call);
      this.#channel.post(call.text);
    }
    this.#waiting.clear();
  }

  settle(reply: Reply): void {
    const call = this.#sent.get(reply.id);
    if (!call) return;
    this.#sent.delete(reply.id);
    if ("error" in reply) call.reject(KMSError.fromWire(reply.error));
    else call.resolve(reply.result);
  }

  /** The worker is gone: whether a sent call took effect is unknown, so it is never sent again. */
  rejectSent(error: KMSError): void {
    rejectAll(this.#sent, error);
  }

  rejectWaiting(error: KMSError): void {
    rejectAll(this.#waiting, error);
  }
}

function rejectAll(calls: Map<number, Call>, error: KMSError): void {
  const rejected = [...calls.values()];
  calls.clear();
  for (const call of rejected) call.reject(error);
}
