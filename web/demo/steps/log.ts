/** The fifth step: the log, entry by entry, and whether all of it holds. */

import type { AuditEntry } from "/sdk/kms-user.js";
import { byId, element } from "../../pages/dom";
import { bindAction, markStep, setEnabled } from "../action";
import type { Demo, Step, View } from "../view";
import { entryInWords, signerInWords } from "../words/entries";
import { formatTime } from "../words/times";

/** What a page shows at once; the log itself has no end. */
const SHOWN = 200;

export class LogStep implements Step {
  readonly #demo: Demo;
  readonly #form = byId("log-form", HTMLFormElement);
  readonly #list = byId("log-entries", HTMLElement);
  readonly #verdict = byId("log-verdict", HTMLElement);
  #newest = "";

  constructor(demo: Demo) {
    this.#demo = demo;
    this.#list.tabIndex = 0;
    bindAction("log", this.#form, () => this.#verify());
  }

  render({ phase, entries }: View): void {
    setEnabled(this.#form, phase === "ready");
    const newest = entries.at(-1)?.chainHash ?? "";
    if (newest === this.#newest && this.#list.childElementCount > 0) return;
    this.#newest = newest;
    this.#verdict.replaceChildren();
    markStep("log", entries.some(({ op }) => op === "sign") ? "current" : "waiting");
    const rows = entries.slice(-SHOWN).reverse().map(entryRow);
    this.#list.replaceChildren(...(rows.length > 0 ? rows : [element("li", { class: "none" }, "No entries yet.")]));
  }

  async #verify(): Promise<string> {
    const { valid, entries, errors, head } = await this.#demo.kms.verifyAuditChain();
    const [first] = errors;
    this.#verdict.replaceChildren(
      valid
        ? element("span", { class: "good" }, `All ${entries} entries hold. `)
        : element("span", { class: "bad" }, `Entry ${first?.seqNum} does not hold: ${first?.reason}. `),
      head ? element("span", { class: "code" }, `head ${head.seqNum}: ${head.chainHash.slice(0, 16)}…`) : "",
    );
    markStep("log", valid ? "done" : "current");
    return valid
      ? "Every number, hash, signature and certificate was checked from the first entry on. The keys that sign the log cannot be exported either."
      : "Something changed the log. What the user’s own key signed before that entry still holds.";
  }
}

function entryRow(entry: AuditEntry): HTMLElement {
  const summary = element(
    "summary",
    {},
    element("span", { class: "number" }, `#${entry.seqNum}`),
    element("span", {}, entryInWords(entry)),
    element("span", { class: "origin" }, `${formatTime(entry.timestamp)} · signed by ${signerInWords(entry.signer)}`),
  );
  const raw = element("pre", { class: "raw" }, JSON.stringify(entry, null, 2));
  return element("li", {}, element("details", { class: "entry" }, summary, raw));
}
