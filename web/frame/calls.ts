/**
 * The calls that are under way in the worker.
 *
 * IDs on the worker's channel are the frame's own: what a page chose never appears
 * there. While no worker answers, calls wait; the port bounds how many there can be.
 *
 * A worker that does not answer a call in its time hangs: the call ends as timed out, and
 * the worker is given up, so that the next call finds another. Time in which the user is
 * being asked does not count, nor how long a call has waited for the worker that gets it.
 *
 * A call that no worker has seen, and that the page has withdrawn or whose time has passed,
 * is never done: the page was told otherwise. One that a worker has goes on, since it may
 * be done already; but no user is asked for it any more.
 */

import type { Reply } from "../protocol/calls";
import { METHOD_TIMES_MS, type MethodName } from "../protocol/contract.gen";
import { formatEnclaveRequest } from "../protocol/enclave";
import { KMSError } from "../protocol/errors";
import { PendingCalls } from "../protocol/pending-calls";

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

export class Calls {
  readonly #channel: EnclaveChannel;
  readonly #observer: CallsObserver;
  /** Each under the signal with which the page withdraws it. */
  readonly #pending: PendingCalls<AbortSignal>;

  constructor(channel: EnclaveChannel, observer: CallsObserver) {
    this.#channel = channel;
    this.#observer = observer;
    this.#pending = new PendingCalls({
      hasRoom: () => channel.answers,
      isQueueTimed: true,
      onUnanswered: (_, why) => {
        if (why === "expired") channel.giveUp();
      },
    });
  }

  /** `paramsText`: the JSON text of checked params; `withdrawn`: of this call alone. Rejects with KMSError. */
  call(method: MethodName, paramsText: string, origin: string, withdrawn: AbortSignal): Promise<unknown> {
    withdrawn.addEventListener("abort", () => this.#onWithdrawn(withdrawn));
    return this.#pending.add(withdrawn, method, METHOD_TIMES_MS[method] - AHEAD_OF_PAGE_MS, (id) =>
      this.#channel.post(formatEnclaveRequest(id, method, paramsText, origin)),
    );
  }

  /** Whether anybody waits for what the worker may ask for. */
  isAwaited(id: number): boolean {
    return this.#pending.ownerOf(id)?.aborted === false;
  }

  /** While the user is being asked, the worker waits too. */
  holdDeadlines(isHeld: boolean): void {
    this.#pending.holdDeadlines(isHeld);
  }

  /** Send what waits, if somebody answers. */
  flush(): void {
    this.#pending.flush();
  }

  settle(reply: Reply): void {
    this.#pending.settle(reply);
  }

  /** The worker is gone: whether a sent call took effect is unknown, so it is never sent again. */
  rejectSent(error: KMSError): void {
    this.#pending.rejectSent(error);
  }

  rejectWaiting(error: KMSError): void {
    this.#pending.rejectQueued(error);
  }

  #onWithdrawn(withdrawn: AbortSignal): void {
    for (const id of this.#pending.sentOf(withdrawn)) this.#observer.onWithdrawn(id);
    this.#pending.rejectQueued(new KMSError("unlock.cancelled", "The page withdrew the call"), withdrawn);
  }
}
