/**
 * Entry of the enclave's window: the same dialogs as in the iframe, for one prompt.
 *
 * Opened by the enclave's own iframe it does what that asks. Opened by anybody else it
 * says so and does nothing: its first word goes to its own origin only, and it takes a
 * port only from there.
 */

import { type FromWindow, parseToWindow, WINDOW_CONNECT, WINDOW_HERE } from "../../protocol/prompt-window";
import { type DialogObserver, PromptDialog } from "../prompt/dialog";
import { element } from "../prompt/dom";

const OPENER_POLL_MS = 250;

class WindowPrompt {
  readonly #port: MessagePort;
  readonly #observer: DialogObserver = {
    newChallenge: () =>
      new Promise((resolve) => {
        this.#onChallenge = resolve;
        this.#send({ begin: true });
      }),
    onAnswer: (answer) => this.#send({ answer }),
    onCancel: () => this.#cancel(),
    onRefused: () => this.#cancel(),
  };
  #dialog: PromptDialog | null = null;
  #onChallenge: ((challenge: string) => void) | null = null;

  constructor(port: MessagePort, opener: Window) {
    this.#port = port;
    port.addEventListener("message", ({ data }) => this.#receive(data));
    // The iframe is gone, and with it whoever waits for an answer.
    port.addEventListener("close", () => window.close());
    // Not every engine says that of a port.
    setInterval(() => {
      if (opener.closed) window.close();
    }, OPENER_POLL_MS);
    port.start();
  }

  #receive(data: unknown): void {
    const message = parseToWindow(data);
    if (!message) return;
    if ("challenge" in message) this.#onChallenge?.(message.challenge);
    else if (this.#dialog) this.#dialog.ask(message.ask);
    else this.#dialog = new PromptDialog(message.ask, this.#observer, null);
  }

  #cancel(): void {
    this.#send({ cancelled: true });
    window.close();
  }

  #send(message: FromWindow): void {
    this.#port.postMessage(JSON.stringify(message));
  }
}

function explain(): void {
  const words =
    "This window of the key enclave lost the page that opened it. Close it. If you are that page’s developer: serve " +
    "it without Cross-Origin-Opener-Policy, or with same-origin-allow-popups.";
  document.body.append(element("p", { class: "lost" }, words));
}

function start(): void {
  document.documentElement.classList.add("window");
  const opener: Window | null = window.opener;
  if (!opener) {
    explain();
    return;
  }
  const onMessage = ({ source, origin, data, ports: [port] }: MessageEvent<unknown>): void => {
    if (source !== opener || origin !== location.origin || data !== WINDOW_CONNECT || !port) return;
    window.removeEventListener("message", onMessage);
    new WindowPrompt(port, opener);
  };
  window.addEventListener("message", onMessage);
  opener.postMessage(WINDOW_HERE, location.origin);
}

start();
