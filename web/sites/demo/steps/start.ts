/** The first step: the enclave starts, stage by stage. */

import { byId, element } from "../../common/dom";
import { markStep } from "../action";
import type { Step, View } from "../view";
import { showFailure } from "../words/failure";
import { formatDuration } from "../words/times";

const STATES: Readonly<Record<View["phase"], string>> = {
  starting: "starting",
  ready: "ready",
  locked: "locked: failed its own checks",
  failed: "not running",
};

export class StartStep implements Step {
  readonly #progress = byId("start-progress", HTMLProgressElement);
  readonly #stages = [...byId("start-stages", HTMLElement).querySelectorAll<HTMLElement>("li")];
  readonly #explain = byId("start-explain", HTMLElement);

  /** A stage that this page has no words for leaves the list as it is. */
  reach(stage: string, ratio: number): void {
    this.#progress.value = ratio;
    const reached = this.#stages.findIndex((item) => item.dataset.stage === stage);
    if (reached < 0) return;
    for (const [index, item] of this.#stages.entries()) {
      item.classList.toggle("done", index < reached);
      if (index === reached) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }

  finish(durationMs: number, kmsOrigin: string): void {
    this.#progress.value = 1;
    for (const item of this.#stages) {
      item.classList.add("done");
      item.removeAttribute("aria-current");
    }
    this.#explain.textContent =
      `The enclave runs on ${kmsOrigin}, from a memory image, after ${formatDuration(durationMs)}. ` +
      "This page can send it messages, and read nothing of it.";
  }

  fail(thrown: unknown): void {
    const stage = this.#stages.find((item) => item.ariaCurrent === "step");
    stage?.removeAttribute("aria-current");
    stage?.classList.add("failed");
    showFailure(byId("start-failure", HTMLElement), thrown);
  }

  /** Whether to go on with a log that is not the one which was seen is for the user to say. */
  offer(accept: () => Promise<void>): void {
    const place = byId("start-failure", HTMLElement);
    const button = element("button", { type: "button", class: "quiet" }, "Go on with this log");
    button.addEventListener("click", async () => {
      try {
        await accept();
        place.replaceChildren();
      } catch (thrown) {
        showFailure(place, thrown);
      }
    });
    place.append(" ", button);
  }

  render({ phase, status }: View): void {
    const facts: Readonly<Record<string, string>> = {
      "fact-state": STATES[phase],
      "fact-version": status?.version ?? "–",
      "fact-build": status?.manifestHash.slice(0, 12) ?? "–",
      "fact-entries": status ? String(status.auditEntries) : "–",
    };
    for (const [id, text] of Object.entries(facts)) byId(id, HTMLElement).textContent = text;
    markStep("start", phase === "ready" ? "done" : "current");
  }
}
