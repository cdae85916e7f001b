/** The second step: a passphrase, asked for by the enclave itself, or by this page where the enclave allows that. */

import type { SetupResult } from "/sdk/kms-user.js";
import { byId, element, terms } from "../../common/dom";
import { bindAction, markStep, setEnabled } from "../action";
import { type Demo, isSetUp, type Step, type View } from "../view";

const HELD =
  "The master secret and the private key now lie in the enclave’s storage, encrypted under your passphrase. " +
  "This page got the public key.";

export class SetupStep implements Step {
  readonly #demo: Demo;
  readonly #enclaveAsks = byId("setup-enclave", HTMLFormElement);
  readonly #pageAsks = byId("setup-page", HTMLFormElement);
  readonly #passphrase = byId("setup-passphrase", HTMLInputElement);
  readonly #note = byId("setup-page-note", HTMLElement);
  readonly #facts = byId("setup-facts", HTMLElement);

  constructor(demo: Demo) {
    this.#demo = demo;
    bindAction("setup", this.#enclaveAsks, async () => {
      await this.#done(await demo.kms.setupPassphrase());
      return `${HELD} Your passphrase never was in this page.`;
    });
    bindAction("setup", this.#pageAsks, async () => {
      await this.#done(await demo.kms.setupPassphrase(this.#passphrase.value));
      this.#passphrase.value = "";
      return `${HELD} But this page saw your passphrase, and could have kept it.`;
    });
  }

  render(view: View): void {
    const { phase, address, status, remembered } = view;
    const isDone = isSetUp(view);
    const canSetUp = phase === "ready" && !isDone;
    setEnabled(this.#enclaveAsks, canSetUp);
    setEnabled(this.#pageAsks, canSetUp && address?.pageCredentials === true);
    if (address?.pageCredentials === false) this.#note.textContent = "The configuration of this enclave forbids it.";
    this.#enclaveAsks.parentElement?.toggleAttribute("hidden", isDone);
    this.#facts.hidden = !isDone;
    const kid = status?.vapidKid ?? remembered.kid ?? "–";
    this.#facts.replaceChildren(...terms([["Key ID", element("span", { class: "code" }, kid)]]));
    markStep("setup", isDone ? "done" : canSetUp ? "current" : "waiting");
  }

  async #done({ vapidKid }: SetupResult): Promise<void> {
    await this.#demo.refresh({ kid: vapidKid, lease: null });
  }
}
