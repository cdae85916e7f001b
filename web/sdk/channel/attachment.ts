/** One KMSUser's use of a shared connection, from `init()` to `terminate()`. */

import type { EventMessage } from "../../protocol/calls";
import type { ErrorCode, MethodName, Methods } from "../../protocol/contract.gen";
import { KMSError } from "../../protocol/errors";
import type { Build } from "../../protocol/handshake";
import { type Connection, type ConnectionObserver, type ConnectionState, closedError } from "./connection";
import { releaseConnection } from "./sharing";

const LOSS: ErrorCode = "storage.evicted";

interface Waiting {
  readonly resolve: (build: Build) => void;
  readonly reject: (error: KMSError) => void;
}

export class Attachment implements ConnectionObserver {
  readonly #connection: Connection;
  readonly #observer: ConnectionObserver;
  #waiting: readonly Waiting[] = [];
  #end: KMSError | null = null;
  #loss: KMSError | null = null;

  constructor(connection: Connection, observer: ConnectionObserver) {
    this.#connection = connection;
    this.#observer = observer;
    connection.observe(this);
    observer.onState(connection.state);
  }

  get isOver(): boolean {
    return this.#end !== null || this.#connection.state.name === "closed";
  }

  get build(): Build | null {
    const { state } = this.#connection;
    return !this.isOver && state.name === "ready" ? state.build : null;
  }

  /** Settles when the enclave is ready, locked, or gone. Rejects with KMSError. */
  opened(): Promise<Build> {
    return new Promise((resolve, reject) => {
      this.#waiting = [...this.#waiting, { resolve, reject }];
      this.#settle(this.#connection.state);
    });
  }

  /** Of the SDK's own accord: what becomes of it the page does not hear. */
  async ask<Name extends MethodName>(method: Name, params: object): Promise<Methods[Name]["result"]> {
    if (this.#end) throw this.#end;
    // The enclave's results are what its contract says; a page has nothing to check them against.
    return (await this.#connection.call(this, method, params)) as Methods[Name]["result"];
  }

  async call<Name extends MethodName>(method: Name, params: object): Promise<Methods[Name]["result"]> {
    try {
      return await this.ask(method, params);
    } catch (thrown) {
      if (thrown instanceof KMSError && thrown.code === LOSS) this.#loss = null;
      throw thrown;
    }
  }

  /** That the enclave has lost what it stored, if nothing has told the page so yet. */
  takeLoss(): KMSError | null {
    const loss = this.#loss;
    this.#loss = null;
    return loss;
  }

  /** Rejects everything this user waits for; settles when the iframe is gone or is left to others. */
  async end(error: KMSError = closedError("The instance was terminated")): Promise<void> {
    if (this.#end) return;
    this.#end = error;
    this.#settle({ name: "closed", error });
    this.#connection.disregard(this, error);
    await releaseConnection(this.#connection);
  }

  onState(state: ConnectionState): void {
    // One that is waited for is told by init().
    if (state.name === "closed" && state.error.code === LOSS && this.#waiting.length === 0) this.#loss = state.error;
    this.#observer.onState(state);
    this.#settle(state);
  }

  onEvent(event: EventMessage): void {
    this.#observer.onEvent(event);
  }

  #settle(state: ConnectionState): void {
    if (state.name !== "ready" && state.name !== "locked" && state.name !== "closed") return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) {
      if (state.name === "ready") resolve(state.build);
      else reject(state.error);
    }
  }
}
