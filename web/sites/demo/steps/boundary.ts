/** The picture of who holds what: origins, and where the key is. */

import { byId } from "../../common/dom";
import { isSetUp, type Step, type View } from "../view";

export class Boundary implements Step {
  readonly #place = byId("key-place", HTMLElement);
  readonly #state = byId("key-state", HTMLElement);

  constructor() {
    byId("page-origin", HTMLElement).textContent = location.host;
  }

  render(view: View): void {
    if (view.address) byId("enclave-origin", HTMLElement).textContent = new URL(view.address.kmsOrigin).host;
    const hasKey = isSetUp(view);
    this.#place.classList.toggle("present", hasKey);
    this.#state.textContent = hasKey ? "the private key is here" : "no key yet";
  }
}
