/**
 * The enclave's iframe on the page: hidden, and a layer over the whole page while the
 * enclave asks the user.
 *
 * It lives in a `<dialog>` of its own. As a modal dialog that is in the browser's top
 * layer: above everything that the page draws, the page's own modal dialogs included,
 * with the rest of the page inert to mouse, keyboard and screen reader.
 */

const SANDBOX =
  "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox " +
  "allow-storage-access-by-user-activation";
const ALLOW = "publickey-credentials-get; publickey-credentials-create; storage-access";

const DIALOG_STYLE = {
  position: "fixed",
  inset: "0",
  width: "100vw",
  height: "100dvh",
  "max-width": "none",
  "max-height": "none",
  margin: "0",
  padding: "0",
  border: "0",
  background: "transparent",
  overflow: "hidden",
  animation: "none",
  transition: "none",
} as const;

const IFRAME_STYLE = {
  display: "block",
  width: "100%",
  height: "100%",
  border: "0",
  background: "transparent",
  // The enclave's own; where the two differ, browsers paint an opaque canvas.
  "color-scheme": "light",
} as const;

export class FrameLayer {
  readonly iframe: HTMLIFrameElement;
  readonly #dialog: HTMLDialogElement;
  #isShown = false;
  #focusedBefore: Element | null = null;

  constructor(address: URL, container: Element) {
    this.iframe = document.createElement("iframe");
    this.iframe.title = "Key enclave";
    this.iframe.setAttribute("sandbox", SANDBOX);
    this.iframe.setAttribute("allow", ALLOW);
    setStyle(this.iframe, IFRAME_STYLE);
    this.#dialog = document.createElement("dialog");
    setStyle(this.#dialog, { ...DIALOG_STYLE, display: "none" });
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
    this.#dialog.addEventListener("close", () => this.#reopen());
    this.#dialog.append(this.iframe);
    container.append(this.#dialog);
    this.iframe.src = address.href;
  }

  get isConnected(): boolean {
    return this.iframe.isConnected && this.iframe.contentWindow !== null;
  }

  /** Calls back when the iframe leaves the document. Observes its ancestors only, not the page's every change. */
  onRemoved(callback: () => void): MutationObserver {
    const observer = new MutationObserver(() => {
      if (!this.isConnected) callback();
    });
    for (let node = this.iframe.parentNode; node; node = node.parentNode) observer.observe(node, { childList: true });
    return observer;
  }

  /** Calls back when the iframe shows a document of the page's own origin: somebody has set its address. */
  onTakenAway(callback: () => void): void {
    this.iframe.addEventListener("load", () => {
      if (this.isConnected && isReadable(this.iframe)) callback();
    });
  }

  show(): void {
    if (this.#isShown || !this.isConnected) return;
    this.#isShown = true;
    this.#focusedBefore = document.activeElement;
    setStyle(this.#dialog, { display: "block" });
    this.#dialog.showModal();
    this.iframe.focus();
  }

  hide(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#dialog.close();
    setStyle(this.#dialog, { display: "none" });
    if (this.#focusedBefore instanceof HTMLElement) this.#focusedBefore.focus();
    this.#focusedBefore = null;
  }

  remove(): void {
    this.hide();
    this.#dialog.remove();
  }

  /** Only the enclave ends its prompt; a second Escape on the page's side closes a dialog without asking. */
  #reopen(): void {
    if (!this.#isShown || !this.isConnected) return;
    this.#dialog.showModal();
    this.iframe.focus();
  }
}

/** Only a document of the page's own origin lets itself be read; `about:blank` is one. */
function isReadable(iframe: HTMLIFrameElement): boolean {
  try {
    return iframe.contentDocument !== null;
  } catch {
    return false;
  }
}

/** As properties, which a page's Content-Security-Policy does not restrict, and above its style sheets. */
function setStyle(element: HTMLElement, style: Readonly<Record<string, string>>): void {
  for (const [property, value] of Object.entries(style)) element.style.setProperty(property, value, "important");
}
