/** The table of checks: every row is there from the start, so that nothing moves while they run. */

import { element } from "../common/dom";
import type { Check, CheckResult } from "./check";

interface Row {
  readonly outcome: HTMLElement;
  readonly note: HTMLElement;
  readonly time: HTMLElement;
}

export class CheckTable {
  readonly #rows: ReadonlyMap<string, Row>;

  constructor(body: HTMLElement, checks: readonly Check[]) {
    const rows = checks.map(({ id, title }) => {
      const outcome = element("td", { class: "waiting" }, "waiting");
      const note = element("span", { class: "note" });
      const time = element("td");
      body.append(element("tr", { id: `check-${id}` }, outcome, element("th", { scope: "row" }, title, note), time));
      return [id, { outcome, note, time }] as const;
    });
    this.#rows = new Map(rows);
  }

  clear(): void {
    for (const id of this.#rows.keys()) this.#set(id, "waiting", "", "");
  }

  begin({ id }: Check): void {
    this.#set(id, "running", "", "");
  }

  finish({ id, outcome, note, durationMs }: CheckResult): void {
    this.#set(id, outcome, note, outcome === "skipped" ? "" : `${durationMs} ms`);
  }

  #set(id: string, outcome: string, note: string, time: string): void {
    const row = this.#rows.get(id);
    if (!row) return;
    row.outcome.className = outcome;
    row.outcome.textContent = outcome;
    row.note.textContent = note;
    row.time.textContent = time;
  }
}
