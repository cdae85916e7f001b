/** The frame's one client of an enclave: started by importing `main.ts`, seen as `window.__kmsClient`. */

import { PROTOCOL } from "../protocol/limits";
import { verifiedEmbedders } from "./ancestors";
import { Session } from "./session";
import type { EnclaveState } from "./supervisor";

export interface ClientOptions {
  readonly parentOrigins: readonly string[];
  /** `topOrigin`: of the outermost page around the enclave. */
  readonly launch: (topOrigin: string) => Promise<Worker>;
}

declare global {
  interface Window {
    readonly __kmsClient?: KMSClient;
  }
}

/**
 * The first one of a document is the one; another, or the same module imported under
 * another address, starts nothing and stays idle. To script on this origin it offers what
 * every embedding page is told anyway, and no way to the worker or the port.
 */
export class KMSClient {
  readonly #session: Session | null = null;

  constructor(options: ClientOptions) {
    if (window.__kmsClient) return;
    Object.defineProperty(window, "__kmsClient", { value: Object.freeze(this), enumerable: true });
    const embedders = verifiedEmbedders(location.ancestorOrigins, options.parentOrigins);
    if (!embedders) return;
    const { parentOrigin, topOrigin } = embedders;
    this.#session = new Session(parentOrigin, () => options.launch(topOrigin));
  }

  get protocol(): number {
    return PROTOCOL;
  }

  /** `idle`: not the first, or not embedded by configured origins; nothing was started. */
  get state(): EnclaveState["name"] | "idle" {
    return this.#session?.state ?? "idle";
  }

  get isConnected(): boolean {
    return this.#session?.isConnected ?? false;
  }
}
