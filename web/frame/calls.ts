/**
 * The calls that are under way in the worker.
 *
 * IDs on the worker's channel are the frame's own: what a page chose never appears
 * there. While no worker answers, calls wait; the port bounds how many there can be.
 *
 * A worker that does not answer a call in its time hangs: the call ends as timed out, and
 * the worker is given up, so that the next call finds another. Time in which the user is
 * being asked does not count.
 *
 * A call that the page has withdrawn and no worker has seen is never done. One that a
 * worker has goes on, since it may be done already; but no user is asked for it any more.
 */

import type { Reply } from "../protocol/calls";
import type { MethodName } from "../protocol/contract.gen";
import { Deadline } from "../protocol/deadline";
import { formatEnclaveRequest } from "../protocol/enclave";
import { KMSError } from "../protocol/errors";
import { methodTimeMs } from "../protocol/method-times";

/** So that the page hears the outcome before its own deadline passes, and its next call finds a worker. */
const AHEAD_OF_PAGE_MS = 1_000;

/** The part of the supervisor that calls need. */
export interface EnclaveChannel {
  readonly answers: boolean;
  post(text: string): void;
  /** The worker does not answer: end it and start another. */
  giveUp(): void;
}

export interface CallsObserver {
  /** The page waits no longer for a call that the worker has. */
  onWithdrawn(id: number): void;
}

interface Call {
  readonly text: string;
  readonly deadline: Deadline;
  readonly withdrawn: AbortSignal;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: KMSError) => void;
}

export class Calls {
  readonly #channel: EnclaveChannel;
  readonly #observer: CallsObserver;
  readonly #sent = new Map<number, Call>();
  readonly #waiting = new Map<number, Call>();
  #nextId = 0;
  #isHeld = false;

  constructor(channel: EnclaveChannel, observer: CallsObserver) {
    this.#channel = channel;
    this.#observer = observer;
  }

  /** `paramsText`: the JSON text of checked params. Rejects with KMSError. */
  call(method: MethodName, paramsText: string, origin: string, withdrawn: AbortSignal): Promise<unknown> {
    const id = this.#nextId++;
    const text = formatEnclaveRequest(id, method, paramsText, origin);
    return new Promise((resolve, reject) => {
      const deadline = new Deadline(methodTimeMs(method) - AHEAD_OF_PAGE_MS, () => this.#onExpired(id, method));
      this.#waiting.set(id, { text, deadline, withdrawn, resolve, reject });
      withdrawn.addEventListener("abort", () => this.#onWithdrawn(id));
      deadline.run();
      this.flush();
    });
  }

  /** Whether anybody waits for what the worker may ask for. */
  isAwaited(id: number): boolean {
    return this.#sent.get(id)?.withdrawn.aborted === false;
  }

  /** While the user is being asked, the worker waits too. */
  holdDeadlines(isHeld: boolean): void {
    this.#isHeld = isHeld;
    for (const { deadline } of this.#sent.values()) {
      if (isHeld) deadline.hold();
      else deadline.run();
    }
  }

  /** Send what waits, if somebody answers. */
  flush(): void {
    if (!this.#channel.answers) return;
    for (const [id, call] of this.#waiting) {
      this.#sent.set(id, call);
      // How long a call has waited is no fault of the worker that gets it.
      call.deadline.restart();
      if (this.#isHeld) call.deadline.hold();
      this.#channel.post(call.text);
    }
    this.#waiting.clear();
  }

  settle(reply: Reply): void {
    const call = this.#sent.get(reply.id);
    if (!call) return;
    this.#sent.delete(reply.id);
    call.deadline.stop();
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

  #onWithdrawn(id: number): void {
    const waiting = this.#waiting.get(id);
    if (this.#sent.has(id)) this.#observer.onWithdrawn(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    waiting.deadline.stop();
    waiting.reject(new KMSError("unlock.cancelled", "The page withdrew the call"));
  }

  /** A call that no worker has seen yet is dropped: done later, it would surprise a page that was told otherwise. */
  #onExpired(id: number, method: MethodName): void {
    const call = this.#sent.get(id) ?? this.#waiting.get(id);
    if (!call) return;
    const wasSent = this.#sent.delete(id);
    this.#waiting.delete(id);
    const timeoutMs = call.deadline.durationMs;
    const details = { method, stage: "method", timeoutMs };
    call.reject(new KMSError("channel.timeout", `Request timeout: ${method} (${timeoutMs}ms)`, { details }));
    if (wasSent) this.#channel.giveUp();
  }
}

function rejectAll(calls: Map<number, Call>, error: KMSError): void {
  const rejected = [...calls.values()];
  calls.clear();
  for (const { deadline, reject } of rejected) {
    deadline.stop();
    reject(error);
  }
}
