/** A KMSUser's way to its enclave: options, `init()`, `terminate()`, and the calls between. */

import type { EventMessage } from "../../protocol/calls";
import type { MethodName, Methods } from "../../protocol/contract.gen";
import { invalidRequest, KMSError } from "../../protocol/errors";
import type { Build } from "../../protocol/handshake";
import { Attachment } from "./attachment";
import { type ConnectionOptions, type ConnectionState, closedError } from "./connection";
import { callSafely } from "./events";
import { type KMSUserOptions, parseAddress, parseOptions, parsePromptMode, parseTimeouts } from "./options";
import { acquireConnection } from "./sharing";

export class Lifetime {
  readonly #options: KMSUserOptions;
  readonly #address: URL;
  readonly #connecting: ConnectionOptions;
  readonly #onEvent: (event: EventMessage) => void;
  #attachment: Attachment | null = null;

  /** Touches nothing. Throws KMSError `request.invalid`. */
  constructor(options: KMSUserOptions, onEvent: (event: EventMessage) => void) {
    this.#options = parseOptions(options);
    this.#address = parseAddress(options);
    this.#connecting = { timeouts: parseTimeouts(options.timeouts), promptMode: parsePromptMode(options) };
    this.#onEvent = onEvent;
  }

  get build(): Build | null {
    return this.#attachment?.build ?? null;
  }

  /** Origin of the enclave. */
  get enclave(): string {
    return this.#address.origin;
  }

  /** What `begin()` has made, and another one after its end. */
  get attachment(): Attachment | null {
    return this.#attachment;
  }

  /** Rejects with KMSError: first with a loss of storage that the page has not heard of, before it begins anew. */
  async begin(): Promise<void> {
    const loss = this.#attachment?.takeLoss();
    if (loss) throw loss;
    if (!this.#attachment || this.#attachment.isOver) this.#attachment = this.#attach();
    const attachment = this.#attachment;
    try {
      const { manifestHash } = await attachment.opened();
      this.#verifyManifestHash(manifestHash);
    } catch (thrown) {
      // A locked enclave still answers what leaves its evidence readable.
      if (!(thrown instanceof KMSError && thrown.code === "attestation.failed")) await attachment.end();
      throw thrown;
    }
  }

  async end(): Promise<void> {
    await this.#attachment?.end();
  }

  /** Rejects with KMSError. */
  async call<Name extends MethodName>(method: Name, params: object): Promise<Methods[Name]["result"]> {
    if (!this.#attachment) throw new KMSError("channel.not.initialized");
    return this.#attachment.call(method, params);
  }

  #attach(): Attachment {
    if (typeof document === "undefined") throw new KMSError("unsupported", "The enclave needs a page to live in");
    const container = this.#options.container ?? document.body;
    if (!(container instanceof Element)) throw invalidRequest("container", "must be an element");
    if (!container.isConnected) throw closedError("The container is not in the document");
    return new Attachment(acquireConnection(this.#address, container, this.#connecting), {
      onState: (state) => this.#onState(state),
      onEvent: this.#onEvent,
    });
  }

  #onState(state: ConnectionState): void {
    const { onProgress } = this.#options;
    if (state.name !== "start" || !onProgress) return;
    const { stage, ratio } = state.progress;
    callSafely(() => onProgress({ stage, ratio }));
  }

  #verifyManifestHash(manifestHash: string): void {
    const { expectedManifestHash } = this.#options;
    if (expectedManifestHash === undefined || expectedManifestHash === manifestHash) return;
    throw new KMSError("integrity.failed", "The enclave runs another build than expected", {
      details: { manifestHash, expectedManifestHash },
    });
  }
}
