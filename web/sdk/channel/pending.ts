/**
 * Calls that wait for their reply. Every one settles: by the reply, its deadline, or the end of the channel.
 *
 * What a page asks for beyond a window waits here for its turn, in order: the frame refuses
 * a flood, and no honest page should have to count its calls. A deadline begins when its
 * call is sent, so a queue only takes the time that the calls before it take.
 */

import type { Reply } from "../../protocol/calls";
import type { MethodName } from "../../protocol/contract.gen";
import { Deadline } from "../../protocol/deadline";
import { KMSError } from "../../protocol/errors";
import { MAX_CALLS_IN_FLIGHT } from "../../protocol/limits";

/** Half of what the frame takes: what was given up here, it may still be working on. */
const WINDOW = MAX_CALLS_IN_FLIGHT / 2;

interface PendingCall {
  /** On whose behalf; its calls are rejected together. */
  readonly owner: object;
  readonly deadline: Deadline;
  readonly send: (id: number) => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: KMSError) => void;
}

export class PendingCalls {
  /** Tells the frame that nobody waits for a call any more, so that no user is asked for it. */
  readonly #withdraw: (id: number) => void;
  readonly #queued = new Map<number, PendingCall>();
  readonly #sent = new Map<number, PendingCall>();
  #nextId = 0;
  #isHeld = false;

  constructor(withdraw: (id: number) => void) {
    this.#withdraw = withdraw;
  }

  /** `send` posts the request under the ID it is given, now or when there is room; it must not throw. */
  add(owner: object, method: MethodName, timeoutMs: number, send: (id: number) => void): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const deadline = new Deadline(timeoutMs, () => {
        this.#withdraw(id);
        const details = { method, stage: "method", timeoutMs };
        this.#take(id)?.reject(
          new KMSError("channel.timeout", `Request timeout: ${method} (${timeoutMs}ms)`, { details }),
        );
      });
      this.#queued.set(id, { owner, deadline, send, resolve, reject });
      this.#sendQueued();
    });
  }

  settle(reply: Reply): void {
    const call = this.#take(reply.id);
    if ("error" in reply) call?.reject(KMSError.fromWire(reply.error));
    else call?.resolve(reply.result);
  }

  /** While the user is being asked, no deadline runs. */
  holdDeadlines(isHeld: boolean): void {
    this.#isHeld = isHeld;
    for (const { deadline } of this.#sent.values()) {
      if (isHeld) deadline.hold();
      else deadline.run();
    }
  }

  rejectAll(error: KMSError, owner?: object): void {
    // What waits goes first: the room that the others leave is not for it.
    for (const calls of [this.#queued, this.#sent]) {
      for (const [id, call] of [...calls]) {
        if (owner !== undefined && call.owner !== owner) continue;
        if (!this.#queued.delete(id)) this.#withdraw(id);
        this.#take(id);
        call.reject(error);
      }
    }
  }

  #sendQueued(): void {
    for (const [id, call] of this.#queued) {
      if (this.#sent.size >= WINDOW) return;
      this.#queued.delete(id);
      this.#sent.set(id, call);
      if (!this.#isHeld) call.deadline.run();
      call.send(id);
    }
  }

  /** The call of a reply, once; its place goes to the next. */
  #take(id: number): PendingCall | undefined {
    const call = this.#sent.get(id);
    this.#sent.delete(id);
    call?.deadline.stop();
    this.#sendQueued();
    return call;
  }
}
