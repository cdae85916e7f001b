/**
 * Calls that wait for their reply. Every one settles: by the reply, its deadline, or the end of the channel.
 *
 * What cannot be sent yet waits for its turn, in order. A call has its whole time from the
 * moment it is sent; time in which the user is being asked does not count. IDs are this
 * end's own.
 */

import type { Reply } from "./calls";
import type { MethodName } from "./contract.gen";
import { Deadline } from "./deadline";
import { KMSError } from "./errors";

export interface PendingCallsOptions {
  /** Whether one more call may be sent while `sent` others wait for their reply. */
  readonly hasRoom: (sent: number) => boolean;
  /** Whether a call that waits for its turn expires as well. */
  readonly isQueueTimed: boolean;
  /** A call that was sent ends here without its reply. */
  readonly onUnanswered: (id: number, why: "expired" | "rejected") => void;
}

interface PendingCall<Owner> {
  /** On whose behalf; its calls are rejected together. */
  readonly owner: Owner;
  readonly deadline: Deadline;
  readonly send: (id: number) => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: KMSError) => void;
}

type Calls<Owner> = Map<number, PendingCall<Owner>>;

export class PendingCalls<Owner extends object> {
  readonly #options: PendingCallsOptions;
  readonly #queued: Calls<Owner> = new Map();
  readonly #sent: Calls<Owner> = new Map();
  #nextId = 0;
  #isHeld = false;

  constructor(options: PendingCallsOptions) {
    this.#options = options;
  }

  /**
   * `send` posts the request under the ID it is given, now or when there is room; it must not throw.
   * Rejects with KMSError.
   */
  add(owner: Owner, method: MethodName, timeoutMs: number, send: (id: number) => void): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const deadline = new Deadline(timeoutMs, () => this.#expire(id, method, timeoutMs));
      this.#queued.set(id, { owner, deadline, send, resolve, reject });
      if (this.#options.isQueueTimed) deadline.run();
      this.flush();
    });
  }

  /** Whose call this is, if it was sent and waits for its reply. */
  ownerOf(id: number): Owner | undefined {
    return this.#sent.get(id)?.owner;
  }

  /** Calls of `owner` that were sent and wait for their reply. */
  sentOf(owner: Owner): readonly number[] {
    return [...this.#sent].filter(([, call]) => call.owner === owner).map(([id]) => id);
  }

  settle(reply: Reply): void {
    const call = take(this.#sent, reply.id);
    if (!call) return;
    if ("error" in reply) call.reject(KMSError.fromWire(reply.error));
    else call.resolve(reply.result);
    this.flush();
  }

  /** While the user is being asked, no deadline of a sent call runs. */
  holdDeadlines(isHeld: boolean): void {
    this.#isHeld = isHeld;
    for (const { deadline } of this.#sent.values()) {
      if (isHeld) deadline.hold();
      else deadline.run();
    }
  }

  /** Sends what waits for its turn, as far as there is room. */
  flush(): void {
    for (const [id, call] of this.#queued) {
      if (!this.#options.hasRoom(this.#sent.size)) return;
      this.#queued.delete(id);
      this.#sent.set(id, call);
      call.deadline.restart();
      if (this.#isHeld) call.deadline.hold();
      call.send(id);
    }
  }

  /** Only the calls of `owner`, where it is given. */
  rejectAll(error: KMSError, owner?: Owner): void {
    // What waits goes first: the room that the others leave is not for it.
    this.rejectQueued(error, owner);
    this.rejectSent(error, owner);
    this.flush();
  }

  rejectQueued(error: KMSError, owner?: Owner): void {
    rejectOf(this.#queued, error, owner);
  }

  rejectSent(error: KMSError, owner?: Owner): void {
    for (const id of rejectOf(this.#sent, error, owner)) this.#options.onUnanswered(id, "rejected");
  }

  #expire(id: number, method: MethodName, timeoutMs: number): void {
    const sent = take(this.#sent, id);
    const call = sent ?? take(this.#queued, id);
    const details = { method, stage: "method", timeoutMs };
    call?.reject(new KMSError("channel.timeout", `Request timeout: ${method} (${timeoutMs}ms)`, { details }));
    if (sent) this.#options.onUnanswered(id, "expired");
    this.flush();
  }
}

function take<Owner>(calls: Calls<Owner>, id: number): PendingCall<Owner> | undefined {
  const call = calls.get(id);
  calls.delete(id);
  call?.deadline.stop();
  return call;
}

/** Returns the IDs of the calls that were rejected. */
function rejectOf<Owner>(calls: Calls<Owner>, error: KMSError, owner?: Owner): readonly number[] {
  const ids = [...calls].filter(([, call]) => owner === undefined || call.owner === owner).map(([id]) => id);
  for (const id of ids) take(calls, id)?.reject(error);
  return ids;
}
