/**
 * A channel to the enclave without the SDK, to send what the SDK never would.
 *
 * Nothing here is privileged: any script of a configured page can do the same, so the enclave must stand it.
 */

const SANDBOX = "allow-scripts allow-same-origin";
const START_MS = 30_000;

interface Message {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly error?: { readonly code?: unknown };
}

export class RawChannel {
  readonly #iframe: HTMLIFrameElement;
  readonly #port: MessagePort;
  #lastId = 0;

  private constructor(iframe: HTMLIFrameElement, port: MessagePort) {
    this.#iframe = iframe;
    this.#port = port;
  }

  static async open(kmsOrigin: string): Promise<RawChannel> {
    const iframe = document.createElement("iframe");
    iframe.title = "Key enclave, without the SDK";
    iframe.hidden = true;
    iframe.setAttribute("sandbox", SANDBOX);
    const hello = nextMessage(
      window,
      ({ source, data }) => source === iframe.contentWindow && data.type === "kms:hello",
    );
    iframe.src = `${kmsOrigin}/`;
    document.body.append(iframe);
    try {
      await hello;
      const { port1, port2 } = new MessageChannel();
      const ready = nextMessage(port1, ({ data }) => data.type === "kms:ready");
      port1.start();
      const nonce = crypto.randomUUID();
      iframe.contentWindow?.postMessage({ type: "kms:connect", protocol: 1, nonce }, kmsOrigin, [port2]);
      await ready;
      return new RawChannel(iframe, port1);
    } catch (thrown) {
      iframe.remove();
      throw thrown;
    }
  }

  /** The code of the refusal, or null where there was none. */
  async refusalOf(method: string, params: unknown): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const reply = nextMessage(this.#port, ({ data }) => data.id === id);
    this.#port.postMessage({ id, method, params });
    return (await reply).error?.code ?? null;
  }

  close(): void {
    this.#port.close();
    this.#iframe.remove();
  }
}

async function nextMessage(
  target: Window | MessagePort,
  isWanted: (event: MessageEvent<Message>) => boolean,
): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  const listen = (event: Event): void => {
    const message = event as MessageEvent<Message>;
    if (typeof message.data === "object" && message.data !== null && isWanted(message)) resolve(message.data);
  };
  target.addEventListener("message", listen);
  const timer = setTimeout(() => reject(new Error("the enclave did not answer")), START_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    target.removeEventListener("message", listen);
  }
}
