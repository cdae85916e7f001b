/** One KMSUser's use of a shared connection, from `init()` to `terminate()`. */

import type { EventMessage } from "../../protocol/calls";
import type { ErrorCode, MethodName, Methods } from "../../protocol/contract.gen";
import { invalidRequest, KMSError } from "../../protocol/errors";
import type { Build } from "../../protocol/handshake";
import { callSafely } from "./call-safely";
import { type Connection, type ConnectionObserver, type ConnectionState, closedError } from "./connection";
import { type Direction, formatMessage } from "./debug-log";
import type { Settings } from "./options";
import { acquireConnection, releaseConnection } from "./sharing";

const LOSS: ErrorCode = "storage.evicted";

interface Waiting {
  readonly resolve: (build: Build) => void;
  readonly reject: (error: KMSError) => void;
}

export class Session implements ConnectionObserver {
  readonly #settings: Settings;
  readonly #onEvent: (event: EventMessage) => void;
  readonly #connection: Connection;
  #waiting: readonly Waiting[] = [];
  #end: KMSError | null = null;
  #loss: KMSError | null = null;

  /** Creates the iframe, or joins the one that is there. Throws KMSError. */
  constructor(settings: Settings, onEvent: (event: EventMessage) => void) {
    if (typeof document === "undefined") throw new KMSError("unsupported", "The enclave needs a page to live in");
    const container = settings.container ?? document.body;
    if (!(container instanceof Element)) throw invalidRequest("container", "must be an element");
    if (!container.isConnected) throw closedError("The container is not in the document");
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#connection = acquireConnection(settings.address, container, settings.connecting);
    this.#connection.observe(this);
    this.onState(this.#connection.state);
  }

  get isOver(): boolean {
    return this.#end !== null || this.#connection.state.name === "closed";
  }

  get build(): Build | null {
    const { state } = this.#connection;
    return !this.isOver && state.name === "ready" ? state.build : null;
  }

  /**
   * Resolves when the enclave is ready, with the build that is expected. Rejects with KMSError,
   * and the session is over then; but a locked enclave still answers what leaves its evidence readable.
   */
  async opened(): Promise<void> {
    try {
      const { manifestHash } = await this.#started();
      this.#verifyManifestHash(manifestHash);
    } catch (thrown) {
      if (!(thrown instanceof KMSError && thrown.code === "attestation.failed")) await this.end();
      throw thrown;
    }
  }

  /** A call of the SDK itself; its errors are not reported to the page. */
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
    if (state.name === "start") this.#tellProgress(state.progress);
    this.#settle(state);
  }

  onEvent(event: EventMessage): void {
    this.#onEvent(event);
  }

  onMessage(direction: Direction, message: unknown): void {
    const { debug } = this.#settings;
    if (debug) callSafely(() => debug(formatMessage(direction, message)));
  }

  #tellProgress({ stage, ratio }: { readonly stage: string; readonly ratio: number }): void {
    const { onProgress } = this.#settings;
    if (onProgress) callSafely(() => onProgress({ stage, ratio }));
  }

  #started(): Promise<Build> {
    return new Promise((resolve, reject) => {
      this.#waiting = [...this.#waiting, { resolve, reject }];
      this.#settle(this.#connection.state);
    });
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

  #verifyManifestHash(manifestHash: string): void {
    const { expectedManifestHash } = this.#settings;
    if (expectedManifestHash === undefined || expectedManifestHash === manifestHash) return;
    throw new KMSError("integrity.failed", "The enclave runs another build than expected", {
      details: { manifestHash, expectedManifestHash },
    });
  }
}
