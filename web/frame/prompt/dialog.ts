/**
 * One modal prompt in the enclave's own document.
 *
 * Guarantees: says which verified origin asks, and for what; takes no click and no Enter
 * before it is armed; keeps the keyboard focus; leaves nothing in the document when it
 * goes. Does not protect from a page that draws a prompt of its own (SECURITY.md).
 */

import type { Ask, AskAnswer } from "../../protocol/enclave";
import { Arming } from "./arming";
import { buildLayout, type Layout } from "./layout";
import { errorText, wordsFor } from "./words";

export interface DialogObserver {
  onAnswer(answer: AskAnswer): void;
  onCancel(): void;
}

export class PromptDialog {
  readonly #layout: Layout;
  readonly #acceptText: string;
  readonly #arming: Arming;
  readonly #observer: DialogObserver;
  /** The answer is being checked: neither another answer nor a cancel means anything now. */
  #isBusy = false;

  constructor(ask: Ask, observer: DialogObserver) {
    this.#observer = observer;
    this.#acceptText = wordsFor(ask.ask).accept;
    this.#layout = buildLayout(ask);
    this.#show(errorText(ask.error));
    this.#listen();
    const { dialog } = this.#layout;
    document.body.append(dialog);
    dialog.showModal();
    // An iframe that is not displayed cannot take the focus: it is taken when it is. WebKit wants a click or a key
    // in an iframe of another origin first; there Tab leads into the dialog.
    this.#arming = new Arming(dialog, () => this.#focusFirst());
  }

  /** The answer was wrong: show why, and let the user try again. */
  retry(ask: Ask): void {
    this.#setBusy(false);
    this.#fault(errorText(ask.error), this.#layout.fields.inputs[0]);
  }

  remove(): void {
    this.#clear();
    this.#arming.stop();
    this.#layout.dialog.remove();
  }

  #listen(): void {
    const { dialog, form, cancel } = this.#layout;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#arming.isArmed) this.#submit();
    });
    cancel.addEventListener("click", () => {
      if (this.#arming.isArmed) this.#giveUp();
    });
    dialog.addEventListener("keydown", (event) => this.#keepFocus(event));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#giveUp();
    });
    // Chromium closes a dialog without asking when `cancel` was prevented once already.
    dialog.addEventListener("close", () => {
      if (!dialog.isConnected) return;
      dialog.showModal();
      this.#giveUp();
    });
  }

  #submit(): void {
    if (this.#isBusy) return;
    const entry = this.#layout.fields.read();
    if ("fault" in entry) {
      this.#fault(entry.fault, entry.input);
      return;
    }
    this.#show("");
    this.#clear();
    this.#setBusy(true);
    this.#observer.onAnswer(entry.answer);
  }

  #giveUp(): void {
    if (!this.#isBusy) this.#observer.onCancel();
  }

  /** Tab goes round within the dialog: a modal dialog alone would let it out to the embedding page. */
  #keepFocus(event: KeyboardEvent): void {
    if (event.key !== "Tab") return;
    event.preventDefault();
    const { fields, cancel, accept } = this.#layout;
    const stops: readonly HTMLElement[] = [...fields.inputs, cancel, accept];
    const active = document.activeElement;
    const at = active instanceof HTMLElement ? stops.indexOf(active) : -1;
    stops.at((at + (event.shiftKey ? -1 : 1)) % stops.length)?.focus();
  }

  #setBusy(isBusy: boolean): void {
    const { dialog, fields, cancel, accept } = this.#layout;
    this.#isBusy = isBusy;
    accept.textContent = isBusy ? "Checking…" : this.#acceptText;
    dialog.setAttribute("aria-busy", String(isBusy));
    for (const input of fields.inputs) input.readOnly = isBusy;
    for (const button of [accept, cancel]) button.setAttribute("aria-disabled", String(isBusy));
  }

  #show(error: string): void {
    const { error: line, fields } = this.#layout;
    line.textContent = error;
    for (const input of fields.inputs) input.setAttribute("aria-invalid", String(error !== ""));
  }

  /** In a window too low for the whole dialog, the reason comes into view with the field. */
  #fault(fault: string, input: HTMLInputElement | undefined): void {
    this.#show(fault);
    input?.focus();
    this.#layout.error.scrollIntoView({ block: "nearest" });
  }

  #clear(): void {
    for (const input of this.#layout.fields.inputs) input.value = "";
  }

  #focusFirst(): void {
    this.#layout.fields.inputs[0]?.focus();
  }
}
