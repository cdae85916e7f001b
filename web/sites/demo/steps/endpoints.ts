/** The list of push endpoints of a lease, as rows that can be added and removed. */

import type { Endpoint } from "/sdk/kms-user.js";
import { element } from "../../common/dom";

const EXAMPLES: readonly (readonly [eid: string, url: string])[] = [
  ["phone", "https://fcm.googleapis.com/fcm/send/demo-phone"],
  ["laptop", "https://updates.push.services.mozilla.com/wpush/v2/demo-laptop"],
];

export class EndpointRows {
  readonly #place: HTMLElement;
  #count = 0;

  constructor(place: HTMLElement) {
    this.#place = place;
    for (const [eid, url] of EXAMPLES) this.#append(eid, url);
  }

  /** An empty row, with the focus in it. */
  add(): void {
    this.#append("", "").focus();
  }

  /** The audience of a token is the origin of the endpoint's URL. Throws where that is no URL. */
  read(): readonly Endpoint[] {
    return [...this.#place.children].map((row) => {
      const [eid = "", url = ""] = [...row.querySelectorAll("input")].map((input) => input.value.trim());
      if (!URL.canParse(url)) throw new Error(`“${url}” is not the address of a push endpoint.`);
      return { url, aud: new URL(url).origin, eid };
    });
  }

  #append(eid: string, url: string): HTMLInputElement {
    this.#count += 1;
    const name = `Endpoint ${this.#count}`;
    const nameInput = input(`${name}, name`, eid, { maxlength: "64", placeholder: "name" });
    const urlInput = input(`${name}, address`, url, { type: "url", maxlength: "2048", placeholder: "https://…" });
    const remove = element("button", { type: "button", "aria-label": `Remove ${name.toLowerCase()}` }, "×");
    const row = element("div", { class: "endpoint", role: "group", "aria-label": name }, nameInput, urlInput, remove);
    remove.addEventListener("click", () => {
      row.remove();
      this.#place.querySelector("input")?.focus();
    });
    this.#place.append(row);
    return nameInput;
  }
}

function input(label: string, value: string, attributes: Readonly<Record<string, string>>): HTMLInputElement {
  const common = {
    "aria-label": label,
    required: "",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
  };
  const made = element("input", { ...common, ...attributes });
  made.value = value;
  return made;
}
