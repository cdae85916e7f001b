/**
 * One modal prompt in the enclave's own document, for one question after the other.
 *
 * Guarantees: says which verified origin asks, and for what; takes no click and no Enter
 * before it is armed; keeps the keyboard focus; leaves nothing in the document when it
 * goes. Does not protect from a page that draws a prompt of its own (SECURITY.md).
 */

import type { Ask, AskAnswer } from "../../protocol/asks";
import type { KMSError } from "../../protocol/errors";
import { Arming } from "./arming";
import { keepFocusWithin } from "./focus";
import { buildDialog, buildLayout, type Layout } from "./layout";
import type { Choice, Entry, View } from "./view";
import { viewOf } from "./views";
import { windowView } from "./views/window";
import type { PromptWindow } from "./window-opener";
import { COVERED, errorText, KEYBOARD_LOST } from "./words";

export interface DialogObserver {
  /** A challenge for the question that is shown. */
  newChallenge(): Promise<string>;
  onAnswer(answer: AskAnswer): void;
  onCancel(): void;
  /** It cannot be answered here. */
  onRefused(error: KMSError): void;
}

/** What the user's deed is doing. While an answer is being checked, no deed means anything. */
type Phase =
  | { readonly name: "idle" | "checking" }
  | { readonly name: "acting"; readonly choice: Choice; readonly abort: AbortController };

export class PromptDialog {
  readonly #dialog = buildDialog();
  readonly #arming: Arming;
  readonly #observer: DialogObserver;
  /** Where this prompt can go on instead; null where it is in a window already. */
  readonly #window: PromptWindow | null;
  #ask: Ask;
  #view: View;
  #layout: Layout;
  #phase: Phase = { name: "idle" };

  constructor(ask: Ask, observer: DialogObserver, promptWindow: PromptWindow | null) {
    this.#ask = ask;
    this.#observer = observer;
    this.#window = promptWindow;
    this.#arming = new Arming(this.#dialog, {
      onVisible: () => this.#focusFirst(),
      onChange: () => this.#showArmed(),
    });
    this.#listen();
    this.#view = promptWindow?.isPreferred ? windowView(ask, promptWindow) : viewOf(ask, "");
    this.#layout = this.#render();
    this.#show(errorText(ask.error));
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  /** The next question, or the same again with the error of the last answer. */
  ask(ask: Ask): void {
    this.#ask = ask;
    this.#phase = { name: "idle" };
    const isInWindow = this.#window !== null && this.#view.name === "window";
    this.#change(isInWindow ? windowView(ask, this.#window) : viewOf(ask, this.#view.name));
    this.#fault(errorText(ask.error), this.#view.inputs[0]);
    if (isInWindow && this.#window.isOpen && this.#view.accept) void this.#run(this.#view.accept);
  }

  remove(): void {
    this.#abort();
    this.#clear();
    this.#arming.stop();
    window.removeEventListener("blur", this.#onKeyboardLost);
    window.removeEventListener("focus", this.#onKeyboardBack);
    this.#window?.close();
    this.#dialog.remove();
  }

  #listen(): void {
    const dialog = this.#dialog;
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#view.accept) this.#try(this.#view.accept);
    });
    dialog.addEventListener("click", ({ target }) => {
      const choice = this.#view.choices.find(({ button }) => target instanceof Node && button.contains(target));
      if (choice) this.#try(choice);
    });
    dialog.addEventListener("keydown", (event) => keepFocusWithin(dialog, event));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#giveUp();
    });
    window.addEventListener("blur", this.#onKeyboardLost);
    window.addEventListener("focus", this.#onKeyboardBack);
    dialog.addEventListener("input", () => this.#onTyped());
    // Chromium closes a dialog without asking when `cancel` was prevented once already.
    dialog.addEventListener("close", () => {
      if (!dialog.isConnected) return;
      dialog.showModal();
      this.#giveUp();
    });
  }

  /** A page can take the focus away while the user types, and read the rest; the user must see it. */
  readonly #onKeyboardLost = (): void => {
    const isTyping = this.#phase.name === "idle" && this.#view.inputs.length > 0;
    if (isTyping && this.#window) this.#onEntry({ fault: KEYBOARD_LOST, offersWindow: true });
  };

  /** Chromium resets the focus within a frame that is hidden for a moment, as it is between two prompts. */
  readonly #onKeyboardBack = (): void => {
    if (!this.#dialog.contains(document.activeElement)) this.#focusFirst();
  };

  /** Not when the focus is back: what is clicked then must not move away under the pointer. */
  #onTyped(): void {
    if (this.#layout.error.textContent === KEYBOARD_LOST) this.#show("");
  }

  /** A click or Enter of the user's. */
  #try(choice: Choice): void {
    if (this.#phase.name === "idle" && this.#mayAct()) void this.#run(choice);
  }

  #mayAct(): boolean {
    const { state } = this.#arming;
    if (state === "covered") this.#onEntry({ fault: COVERED, offersWindow: true });
    return state === "armed";
  }

  async #run(choice: Choice): Promise<void> {
    const abort = new AbortController();
    const outcome = choice.act({ signal: abort.signal, newChallenge: () => this.#observer.newChallenge() });
    if (!(outcome instanceof Promise)) {
      this.#onEntry(outcome);
      return;
    }
    this.#phase = { name: "acting", choice, abort };
    this.#show("");
    this.#mark();
    const entry = await outcome;
    if (abort.signal.aborted) return;
    this.#phase = { name: "idle" };
    this.#mark();
    this.#onEntry(entry);
  }

  #onEntry(entry: Entry): void {
    if ("next" in entry) {
      this.#change(entry.next);
      this.#focusFirst();
    } else if ("fault" in entry) {
      this.#layout.openWindow.hidden = !(entry.offersWindow && this.#window);
      this.#fault(entry.fault, entry.input);
    } else if ("answer" in entry) {
      this.#show("");
      this.#clear();
      this.#phase = { name: "checking" };
      this.#mark();
      this.#observer.onAnswer(entry.answer);
    } else if ("refused" in entry) this.#observer.onRefused(entry.refused);
    else this.#observer.onCancel();
  }

  #giveUp(): void {
    if (this.#phase.name === "checking") return;
    this.#abort();
    if (this.#view.cancel === null && this.#view.accept) void this.#run(this.#view.accept);
    else this.#observer.onCancel();
  }

  #abort(): void {
    if (this.#phase.name === "acting") this.#phase.abort.abort();
  }

  /** Another view in the same dialog. Where it replaces another one, a click meant for that must not hit it. */
  #change(view: View): void {
    const isAnother = view.name !== this.#view.name;
    this.#clear();
    this.#view = view;
    this.#layout = this.#render(isAnother);
  }

  #render(isAnother = true): Layout {
    const layout = buildLayout(this.#view, this.#ask.recognition);
    this.#dialog.replaceChildren(layout.form);
    this.#dialog.removeAttribute("aria-busy");
    layout.cancel?.addEventListener("click", () => {
      if (this.#arming.state !== "early") this.#giveUp();
    });
    layout.openWindow.addEventListener("click", () => this.#moveToWindow());
    this.#arming.watch(layout.essentials);
    if (isAnother) this.#arming.restart();
    this.#showArmed();
    return layout;
  }

  #moveToWindow(): void {
    if (!this.#window || this.#phase.name !== "idle" || this.#arming.state === "early") return;
    this.#change(windowView(this.#ask, this.#window));
    if (this.#view.accept) void this.#run(this.#view.accept);
  }

  #mark(): void {
    const { name } = this.#phase;
    this.#dialog.setAttribute("aria-busy", String(name !== "idle"));
    for (const input of this.#view.inputs) input.readOnly = name !== "idle";
    this.#layout.mark(name === "acting" ? this.#phase.choice.waiting : "", name);
    this.#showArmed();
  }

  /** For whoever drives a browser. No page sees into this document. */
  #showArmed(): void {
    this.#dialog.toggleAttribute("data-armed", this.#phase.name === "idle" && this.#arming.state === "armed");
  }

  #show(error: string): void {
    this.#layout.error.textContent = error;
    for (const input of this.#view.inputs) input.setAttribute("aria-invalid", String(error !== ""));
  }

  /** Where not everything has room, the reason comes into view with the field. */
  #fault(fault: string, input: HTMLInputElement | undefined): void {
    this.#show(fault);
    if (input) input.focus();
    else if (!this.#dialog.contains(document.activeElement)) this.#focusFirst();
    const { error, openWindow } = this.#layout;
    (openWindow.hidden ? error : openWindow).scrollIntoView({ block: "nearest" });
  }

  #clear(): void {
    for (const input of this.#view.inputs) input.value = "";
  }

  #focusFirst(): void {
    (this.#view.firstFocus ?? this.#layout.cancel)?.focus();
  }
}
