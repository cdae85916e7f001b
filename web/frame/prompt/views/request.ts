/** Who asks, and for what. */

import type { Ask } from "../../../protocol/asks";
import { element } from "../dom";

export function requestWords({ origin, operation }: Ask): readonly Node[] {
  return [
    element("p", {}, element("strong", { class: "origin" }, origin), " asks for this:"),
    element("p", { class: "operation", tabindex: "-1" }, operation),
  ];
}
