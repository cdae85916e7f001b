/**
 * What a prompt is made of.
 *
 * It is built by the script, not written in the entry page: the page's HTML is the one
 * file that no integrity check covers.
 */

import type { Ask } from "../../protocol/enclave";
import { element, icon } from "./dom";
import { buildFields, type Fields } from "./fields";
import { wordsFor } from "./words";

const SHIELD = {
  shield: "M12 2 4 5v6c0 5 3.4 9.4 8 11 4.6-1.6 8-6 8-11V5l-8-3Z",
  lock: "M8.5 11V9.5a3.5 3.5 0 0 1 7 0V11H17v6H7v-6h1.5Zm1.7 0h3.6V9.5a1.8 1.8 0 0 0-3.6 0V11Z",
};

export interface Layout {
  readonly dialog: HTMLDialogElement;
  readonly form: HTMLFormElement;
  readonly fields: Fields;
  readonly error: HTMLElement;
  readonly cancel: HTMLButtonElement;
  readonly accept: HTMLButtonElement;
}

export function buildLayout(ask: Ask): Layout {
  const { title, accept: acceptText, privacy } = wordsFor(ask.ask);
  const fields = buildFields(ask);
  const error = element("p", { id: "prompt-error", class: "error", role: "alert" });
  const cancel = element("button", { type: "button", class: "cancel" }, "Cancel");
  const accept = element("button", { type: "submit", class: "accept" }, acceptText);
  const header = element(
    "header",
    {},
    icon(SHIELD),
    element("div", {}, element("h1", { id: "prompt-title" }, title), element("p", { class: "enclave" }, location.host)),
  );
  const request = element(
    "div",
    { id: "prompt-request", class: "request" },
    element("p", {}, element("strong", { class: "origin" }, ask.origin), " asks for this:"),
    element("p", { class: "operation" }, ask.operation),
  );
  const form = element(
    "form",
    { novalidate: "", autocomplete: "off" },
    header,
    request,
    ...fields.rows,
    error,
    element("footer", {}, cancel, accept),
    ...(privacy ? [element("p", { class: "privacy" }, privacy)] : []),
  );
  const dialog = element(
    "dialog",
    { class: `prompt ${ask.ask}`, "aria-labelledby": "prompt-title", "aria-describedby": "prompt-request" },
    form,
  );
  return { dialog, form, fields, error, cancel, accept };
}
