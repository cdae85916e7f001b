/** Calls that wait for their reply. Every one settles: by the reply, its deadline, or the end of the channel. */

import type { Reply } from "../protocol/calls";
import type { MethodName } from "../protocol/contract.gen";
import { KMSError } from "../protocol/errors";
import { Deadline } from "./deadline";

interface PendingCall {
  /** On whose behalf; its calls are rejected together. */
  readonly owner: object;
  readonly deadline: Deadline;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: KMSError) => void;
}

export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();
  #nextId = 0;
  #isHeld = false;

  /** `send` posts the request under the ID it is given; where it throws, the call rejects with that. */
  add(owner: object, method: MethodName, timeoutMs: number, send: (id: number) => void): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const deadline = new Deadline(timeoutMs, () => {
        const details = { method, stage: "method", timeoutMs };
        this.#take(id)?.reject(
          new KMSError("channel.timeout", `Request timeout: ${method} (${timeoutMs}ms)`, { details }),
        );
      });
      send(id);
      this.#calls.set(id, { owner, deadline, resolve, reject });
      if (!this.#isHeld) deadline.run();
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
    for (const { deadline } of this.#calls.values()) {
      if (isHeld) deadline.hold();
      else deadline.run();
    }
  }

  rejectAll(error: KMSError, owner?: object): void {
    for (const [id, call] of this.#calls) {
      if (owner === undefined || call.owner === owner) this.#take(id)?.reject(error);
    }
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.deadline.stop();
    return call;
  }
}
