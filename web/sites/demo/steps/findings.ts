/** What was inspected, and what was found, as a list. */

import { element } from "../../common/dom";
import type { Finding } from "../../common/inspect/inspection";

export function part(title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return element("section", { class: "part" }, element("h3", {}, title), ...children);
}

const MARKS: Readonly<Record<Finding["outcome"], readonly [mark: string, words: string]>> = {
  holds: ["✓", "holds"],
  fails: ["✗", "does not hold"],
  unsupported: ["–", "not checked"],
};

export function findingList(findings: readonly Finding[]): HTMLElement {
  const rows = findings.map(({ title, outcome, note }) => {
    const [mark, words] = MARKS[outcome];
    return element(
      "li",
      { class: outcome },
      element("span", { class: "mark", role: "img", "aria-label": words }, mark),
      element("span", { class: "title" }, title),
      element("span", { class: "note" }, note),
    );
  });
  return element("ul", { class: "findings" }, ...rows);
}
