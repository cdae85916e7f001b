/** The third step: one proof of presence, for some hours of tokens. */

import type { PassphraseCredentials } from "/sdk/kms-user.js";
import { byId, element, terms } from "../../common/dom";
import { bindAction, markStep, setEnabled } from "../action";
import type { RememberedLease } from "../remembered";
import { type Demo, hasLease, isSetUp, type Step, type View } from "../view";
import { formatDistance, formatTime } from "../words/times";
import { EndpointRows } from "./endpoints";

export class LeaseStep implements Step {
  readonly #demo: Demo;
  readonly #form = byId("lease-form", HTMLFormElement);
  readonly #facts = byId("lease-facts", HTMLElement);
  readonly #endpoints = new EndpointRows(byId("lease-endpoints", HTMLElement));
  readonly #pageAsks = byId("lease-page-asks", HTMLInputElement);
  readonly #passphrase = byId("lease-passphrase", HTMLInputElement);

  constructor(demo: Demo) {
    this.#demo = demo;
    byId("lease-add", HTMLButtonElement).addEventListener("click", () => this.#endpoints.add());
    this.#form.addEventListener("change", () => this.#showPassphrase());
    this.#showPassphrase();
    bindAction("lease", this.#form, () => this.#create());
  }

  render(view: View): void {
    const canCreate = view.phase === "ready" && isSetUp(view);
    setEnabled(this.#form, canCreate);
    this.#pageAsks.disabled = view.address?.pageCredentials !== true;
    const { lease } = view.remembered;
    this.#facts.hidden = lease === null;
    if (lease) this.#facts.replaceChildren(...factsOf(lease));
    markStep("lease", hasLease(view) ? "done" : canCreate ? "current" : "waiting");
  }

  async #create(): Promise<string> {
    const userId = byId("lease-user", HTMLInputElement).value;
    const ttlHours = byId("lease-hours", HTMLInputElement).valueAsNumber;
    const subs = this.#endpoints.read();
    const credentials = this.#credentials();
    const { leaseId, exp, kid, quotas } = await this.#demo.kms.createLease({ userId, subs, ttlHours, credentials });
    this.#passphrase.value = "";
    await this.#demo.refresh({ kid, lease: { leaseId, exp, kid, userId, quotas, subs } });
    return (
      `Until ${formatTime(exp)} the enclave signs for these endpoints without asking. ` +
      "The lease has a signing handle of its own, in the enclave’s storage, that cannot be exported."
    );
  }

  #credentials(): PassphraseCredentials | null {
    return this.#pageAsks.checked ? { method: "passphrase", passphrase: this.#passphrase.value } : null;
  }

  #showPassphrase(): void {
    const { checked } = this.#pageAsks;
    byId("lease-passphrase-field", HTMLElement).hidden = !checked;
    this.#passphrase.required = checked;
  }
}

function factsOf({ leaseId, exp, userId, quotas, subs }: RememberedLease): readonly HTMLElement[] {
  const nowMs = Date.now();
  const end = exp > nowMs ? `${formatTime(exp)}, ${formatDistance(exp, nowMs)}` : "It has ended; create another";
  return terms([
    ["Lease", element("span", { class: "code" }, leaseId)],
    ["Ends", end],
    ["For", `${userId}: ${subs.map(({ eid }) => eid).join(", ")}`],
    ["Tokens an hour", String(quotas.tokensPerHour)],
  ]);
}
