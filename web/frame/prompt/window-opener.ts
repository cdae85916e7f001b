/**
 * The iframe's side of a prompt in a window of the enclave's own.
 *
 * For browsers that refuse a ceremony in an iframe of another site, and for users who
 * want to see the enclave's address. Opened from a click in the iframe, so that this
 * iframe is its opener and no script of the page has a reference to it.
 */

import type { Ask } from "../../protocol/asks";
import { KMSError } from "../../protocol/errors";
import { parseFromWindow, type ToWindow, WINDOW_CONNECT, WINDOW_HERE, WINDOW_PAGE } from "../../protocol/prompt-window";
import type { Deed, Entry } from "./view";

const FEATURES = "popup,width=460,height=720";
const HERE_MS = 15_000;
const POLL_MS = 250;

const CLOSED: Entry = { fault: "The window was closed. Open it again, or cancel." };

export class PromptWindow {
  /** Every prompt goes to a window at once, not only those that fail here. */
  readonly isPreferred: boolean;
  #window: Window | null = null;
  #port: MessagePort | null = null;

  constructor(isPreferred: boolean) {
    this.isPreferred = isPreferred;
  }

  get isOpen(): boolean {
    return this.#port !== null && this.#window?.closed === false;
  }

  /** Have `ask` answered in the window. Must run in a click unless the window is open. */
  async answer(ask: Ask, deed: Deed): Promise<Entry> {
    if (!this.isOpen) {
      const refusal = await this.#open();
      if (refusal) return refusal;
    }
    const entry = this.#nextEntry(deed);
    this.#send({ ask });
    return entry;
  }

  close(): void {
    this.#port?.close();
    this.#window?.close();
    this.#port = null;
    this.#window = null;
  }

  async #open(): Promise<Entry | null> {
    this.close();
    const opened = window.open(new URL(WINDOW_PAGE, document.baseURI), "_blank", FEATURES);
    // Nothing comes back where the page's Cross-Origin-Opener-Policy separates the two.
    if (!opened) return { refused: separated() };
    this.#window = opened;
    const isHere = await windowIsHere(opened);
    if (isHere === "closed") return CLOSED;
    if (isHere === "silent") {
      this.close();
      return { refused: separated() };
    }
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.start();
    opened.postMessage(WINDOW_CONNECT, location.origin, [port2]);
    return null;
  }

  #send(message: ToWindow): void {
    this.#port?.postMessage(JSON.stringify(message));
  }

  #nextEntry({ signal, newChallenge }: Deed): Promise<Entry> {
    const { promise, resolve } = Promise.withResolvers<Entry>();
    const ended = new AbortController();
    const listening = { signal: ended.signal };
    const poll = setInterval(() => {
      if (this.#window?.closed !== false) resolve(CLOSED);
    }, POLL_MS);
    this.#port?.addEventListener(
      "message",
      ({ data }) => {
        const message = parseFromWindow(data);
        if (!message) return;
        if ("begin" in message) void newChallenge().then((challenge) => this.#send({ challenge }));
        else resolve(message);
      },
      listening,
    );
    signal.addEventListener("abort", () => resolve({ cancelled: true }), listening);
    return promise.finally(() => {
      clearInterval(poll);
      ended.abort();
    });
  }
}

function windowIsHere(opened: Window): Promise<"here" | "closed" | "silent"> {
  const { promise, resolve } = Promise.withResolvers<"here" | "closed" | "silent">();
  const onMessage = ({ source, origin, data }: MessageEvent<unknown>): void => {
    if (source === opened && origin === location.origin && data === WINDOW_HERE) resolve("here");
  };
  window.addEventListener("message", onMessage);
  const poll = setInterval(() => {
    if (opened.closed) resolve("closed");
  }, POLL_MS);
  const silence = setTimeout(() => resolve("silent"), HERE_MS);
  return promise.finally(() => {
    window.removeEventListener("message", onMessage);
    clearInterval(poll);
    clearTimeout(silence);
  });
}

function separated(): KMSError {
  const message =
    "The enclave's window cannot be reached: allow pop-ups for this page, and serve it without " +
    "Cross-Origin-Opener-Policy, or with same-origin-allow-popups";
  return new KMSError("unsupported", message, { details: { capability: "popup" } });
}
