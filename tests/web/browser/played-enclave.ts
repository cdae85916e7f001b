/** An enclave that a test plays: the SDK's iframe is real, and what is said in it is the test's. */

import { HELLO } from "../../../web/protocol/handshake";
import type { KMSUserOptions } from "../../../web/sdk/channel/options";

export const BUILD = { version: "9.9.9", manifestHash: "m".repeat(64), codeHash: "c".repeat(64), capabilities: [] };
export const PATH = "/enclave.html";

export interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Returns the result, or throws the wire form of an error; what returns HANG is not answered. */
export type Answer = (request: Request) => unknown;

export const HANG = Symbol("hang");

/** One channel: from a connect of the SDK on. */
export class Channel {
  readonly nonce: string;
  readonly withdrawn: number[] = [];
  readonly #port: MessagePort;

  constructor(nonce: string, port: MessagePort, answer: Answer) {
    this.nonce = nonce;
    this.#port = port;
    port.addEventListener("message", ({ data }) => void this.#receive(data, answer));
    port.start();
  }

  send(message: object): void {
    this.#port.postMessage(message);
  }

  progress(stage = "python"): void {
    this.send({ type: "kms:progress", stage, ratio: 0.5 });
  }

  ready(): void {
    this.send({ type: "kms:ready", nonce: this.nonce, ...BUILD });
  }

  refuse(code: string): void {
    this.send({ type: "kms:refused", error: { code, message: "The start was refused", details: { stage: "entry" } } });
  }

  tell(event: string, data: unknown = null): void {
    this.send({ type: "kms:event", event, data });
  }

  async #receive(data: Request & { readonly withdrawn?: true }, answer: Answer): Promise<void> {
    const { id } = data;
    if (data.withdrawn) {
      this.withdrawn.push(id);
      return;
    }
    try {
      const result = await answer(data);
      if (result !== HANG) this.send({ id, result });
    } catch (error) {
      this.send({ id, error });
    }
  }
}

/** Its origin is its own, so that no test finds what another one left: iframe, pins, entries. */
export class PlayedEnclave {
  readonly origin = `http://${crypto.randomUUID()}.localhost:${location.port}`;
  readonly options: KMSUserOptions = { kmsOrigin: this.origin, kmsPath: PATH };
  readonly channels: Channel[] = [];
  /** How often its page said hello. */
  hellos = 0;
  /** What it does with a new channel; says that it is ready, unless told otherwise. */
  start: (channel: Channel) => void = (channel) => channel.ready();
  answer: Answer = () => ({ state: "ready" });
  readonly #stop = new AbortController();

  constructor() {
    addEventListener("message", (event) => this.#hear(event), { signal: this.#stop.signal });
  }

  get host(): string {
    return new URL(this.origin).host;
  }

  get channel(): Channel {
    const channel = this.channels.at(-1);
    if (!channel) throw new Error("the SDK has not connected");
    return channel;
  }

  /** Its iframe, if the page has one. */
  get iframe(): HTMLIFrameElement | null {
    return document.querySelector<HTMLIFrameElement>(`iframe[src^="${this.origin}"]`);
  }

  end(): void {
    this.#stop.abort();
    this.iframe?.remove();
  }

  #hear({ origin, data, ports }: MessageEvent): void {
    if (origin !== this.origin) return;
    if (data?.type === HELLO.type) this.hellos += 1;
    const [port] = ports;
    if (!data?.played || !port) return;
    const channel = new Channel(data.played.nonce, port, (request) => this.answer(request));
    this.channels.push(channel);
    this.start(channel);
  }
}

export function wireError(code: string, details: object = {}): object {
  return { code, message: code, retryAfterMs: null, details };
}
