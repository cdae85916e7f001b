/** The fields of each kind of prompt, and the answer that they make. */

import type { Ask, AskAnswer } from "../../protocol/enclave";
import { element } from "./dom";
import { MAX_PASSPHRASE_CHARS, PASSPHRASE_RULES, passphraseFault } from "./words";

/** Either what goes to the worker, or why the user has to try again and where. */
export type Entry = { readonly answer: AskAnswer } | { readonly fault: string; readonly input: HTMLInputElement };

export interface Fields {
  readonly rows: readonly HTMLElement[];
  readonly inputs: readonly HTMLInputElement[];
  read(): Entry;
}

export function buildFields(ask: Ask): Fields {
  switch (ask.ask) {
    case "authenticate":
      return currentPassphrase();
    case "choosePassphrase":
      return newPassphrase();
    case "confirm":
      return typedWord(ask.word ?? "");
  }
}

function currentPassphrase(): Fields {
  const input = passphraseInput("prompt-passphrase", "current-password");
  return {
    rows: [row(input, "Passphrase")],
    inputs: [input],
    read: () =>
      input.value === ""
        ? { fault: "Enter your passphrase.", input }
        : { answer: { method: "passphrase", passphrase: input.value } },
  };
}

function newPassphrase(): Fields {
  const input = passphraseInput("prompt-passphrase", "new-password");
  const repeated = passphraseInput("prompt-repeated", "new-password");
  return {
    rows: [row(input, "New passphrase", PASSPHRASE_RULES), row(repeated, "The same passphrase again")],
    inputs: [input, repeated],
    read: () => {
      const fault = passphraseFault(input.value, repeated.value);
      if (fault === null) return { answer: { method: "passphrase", passphrase: input.value } };
      return { fault, input: passphraseFault(input.value, input.value) === null ? repeated : input };
    },
  };
}

function typedWord(word: string): Fields {
  const input = textInput("prompt-word", { type: "text", autocomplete: "off" });
  return {
    rows: [row(input, `Type ${word} to confirm`)],
    inputs: [input],
    read: () =>
      input.value.trim() === word ? { answer: { word } } : { fault: `Type ${word} exactly as shown.`, input },
  };
}

function passphraseInput(id: string, autocomplete: AutoFill): HTMLInputElement {
  // Code points may take two code units each.
  return textInput(id, { type: "password", autocomplete, maxlength: String(MAX_PASSPHRASE_CHARS * 2) });
}

function textInput(id: string, attributes: Readonly<Record<string, string>>): HTMLInputElement {
  return element("input", { id, ...attributes, spellcheck: "false", autocapitalize: "none", required: "" });
}

function row(input: HTMLInputElement, label: string, hint?: string): HTMLElement {
  const hintId = `${input.id}-hint`;
  input.setAttribute("aria-describedby", hint ? `prompt-error ${hintId}` : "prompt-error");
  return element(
    "div",
    { class: "field" },
    element("label", { for: input.id }, label),
    input,
    ...(hint ? [element("p", { id: hintId, class: "hint" }, hint)] : []),
  );
}
