/** The fourth step: a token, and everything about it that can be checked without the enclave. */

import { byId, element } from "../../common/dom";
import { bindAction, markStep, setEnabled } from "../action";
import { type Demo, hasLease, type Step, type View } from "../view";
import { tokenReport } from "./token-report";

export class TokenStep implements Step {
  readonly #demo: Demo;
  readonly #form = byId("token-form", HTMLFormElement);
  readonly #endpoint = byId("token-endpoint", HTMLSelectElement);
  readonly #result = byId("token-result", HTMLElement);
  #leaseId: string | null = null;

  constructor(demo: Demo) {
    this.#demo = demo;
    bindAction("token", this.#form, () => this.#issue());
  }

  render(view: View): void {
    const canIssue = view.phase === "ready" && view.status?.isSetup === true && hasLease(view);
    setEnabled(this.#form, canIssue);
    const { lease } = view.remembered;
    if ((lease?.leaseId ?? null) !== this.#leaseId || !this.#endpoint.options.length) {
      this.#leaseId = lease?.leaseId ?? null;
      this.#showResult();
      const options = lease?.subs.map(({ eid, aud }, index) => option(String(index), `${eid} (${new URL(aud).host})`));
      this.#endpoint.replaceChildren(...(options ?? [option("", "no lease yet")]));
    }
    markStep("token", this.#result.hidden ? (canIssue ? "current" : "waiting") : "done");
  }

  async #issue(): Promise<string> {
    const { lease } = this.#demo.view().remembered;
    const endpoint = lease?.subs[Number(this.#endpoint.value)];
    if (!lease || !endpoint) throw new Error("There is no lease to issue under.");
    const startedMs = performance.now();
    const token = await this.#demo.kms.issueVAPIDJWT({ leaseId: lease.leaseId, endpoint });
    const tookMs = performance.now() - startedMs;
    await this.#demo.refresh();
    this.#showResult(...(await tokenReport(token, endpoint, this.#demo.view().entries)));
    markStep("token", "done");
    return (
      `Signed in the enclave in ${tookMs.toFixed(0)} ms, without asking anybody. The token opens ${endpoint.aud} for ` +
      "15 minutes at most; the private key stayed where it was."
    );
  }

  #showResult(...parts: readonly HTMLElement[]): void {
    this.#result.replaceChildren(...parts);
    this.#result.hidden = parts.length === 0;
  }
}

function option(value: string, text: string): HTMLOptionElement {
  return element("option", { value }, text);
}
