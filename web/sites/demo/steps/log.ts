/** The fifth step: security activity, entry by entry; whether all of it holds; and the file for others to verify. */

import type { AuditEntry } from "/sdk/kms-user.js";
import { byId, element } from "../../common/dom";
import type { AuditKeys } from "../../common/inspect/entry";
import { bindAction, markStep, setEnabled } from "../action";
import type { Demo, Step, View } from "../view";
import { entryInWords, signerInWords } from "../words/entries";
import { formatTime } from "../words/times";
import { tamperReport } from "./tamper-report";

/** What a page shows at once; the log itself has no end. */
const SHOWN = 200;

export class LogStep implements Step {
  readonly #demo: Demo;
  readonly #forms = ["log-form", "log-download-form", "log-tamper-form"].map((id) => byId(id, HTMLFormElement));
  readonly #list = byId("log-entries", HTMLElement);
  readonly #verdict = byId("log-verdict", HTMLElement);
  readonly #report = byId("log-report", HTMLElement);
  #newest = "";

  constructor(demo: Demo) {
    this.#demo = demo;
    this.#list.tabIndex = 0;
    const actions = [() => this.#verify(), () => this.#download(), () => this.#tamper()];
    for (const [index, form] of this.#forms.entries()) {
      bindAction("log", form, async () => (await actions[index]?.()) ?? "");
    }
  }

  render({ phase, entries }: View): void {
    const [, , tamperForm] = this.#forms;
    for (const form of this.#forms) setEnabled(form, phase === "ready");
    // The only entry that there is has none after it that could miss it.
    if (tamperForm) setEnabled(tamperForm, phase === "ready" && entries.length > 1);
    const newest = entries.at(-1)?.chainHash ?? "";
    if (newest === this.#newest && this.#list.childElementCount > 0) return;
    this.#newest = newest;
    this.#verdict.replaceChildren();
    this.#showReport();
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

  async #download(): Promise<string> {
    const { file, keys } = await this.#export();
    const url = URL.createObjectURL(file);
    element("a", { href: url, download: "audit.jsonl" }).click();
    // Whoever saves it has taken it by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    const key = keys.user ?? keys.instance;
    return `Anybody can verify the file, away from this browser: kms-enclave audit verify audit.jsonl --public-key ${key}`;
  }

  async #tamper(): Promise<string> {
    const opened = this.#list.querySelector<HTMLElement>("details[open]")?.closest("li")?.dataset.number;
    const { file, keys } = await this.#export();
    const { number, parts } = await tamperReport(await file.text(), keys, opened ?? null);
    this.#showReport(...parts);
    this.#report.scrollIntoView({ block: "nearest" });
    return (
      `Entry ${number} is gone from a copy in this page; the enclave’s log is untouched. Whoever holds the storage can ` +
      "number and link the rest anew, but not sign it: the keys are in the enclave. Open an entry to delete that one."
    );
  }

  async #export(): Promise<{ readonly file: Blob; readonly keys: AuditKeys }> {
    const { kms } = this.#demo;
    const { publicKey, instancePublicKey } = await kms.getAuditPublicKey();
    const { file } = await kms.exportAudit();
    return { file, keys: { user: publicKey, instance: instancePublicKey } };
  }

  #showReport(...parts: readonly HTMLElement[]): void {
    this.#report.replaceChildren(...parts);
    this.#report.hidden = parts.length === 0;
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
  const details = element("details", { class: "entry" }, summary, raw);
  return element("li", { "data-number": String(entry.seqNum) }, details);
}
