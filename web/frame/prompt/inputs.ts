/** Text fields with their labels. */

import { element } from "./dom";
import { MAX_PASSPHRASE_CHARS } from "./words";

export function passphraseInput(id: string, autocomplete: AutoFill): HTMLInputElement {
  // Code points may take two code units each.
  return textInput(id, { type: "password", autocomplete, maxlength: String(MAX_PASSPHRASE_CHARS * 2) });
}

export function textInput(id: string, attributes: Readonly<Record<string, string>>): HTMLInputElement {
  return element("input", { id, ...attributes, spellcheck: "false", autocapitalize: "none", required: "" });
}

export function row(input: HTMLInputElement, label: string, hint?: string): HTMLElement {
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
