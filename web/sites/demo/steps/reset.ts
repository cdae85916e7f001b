/** The last step: everything deleted, by the word of the user. */

import { byId } from "../../common/dom";
import { bindAction, setEnabled } from "../action";
import type { Demo, Step, View } from "../view";

export class ResetStep implements Step {
  readonly #form = byId("reset-form", HTMLFormElement);

  constructor(demo: Demo) {
    bindAction("reset", this.#form, async () => {
      const { checkpoint } = await demo.kms.resetKMS();
      // A log that was given up closes with nothing that the SDK could go by. The user has typed the word.
      if (!checkpoint) await demo.kms.acceptNewLog();
      await demo.refresh({ kid: null, lease: null });
      const closing = checkpoint ? ` The old log closed with entry ${checkpoint.seqNum}.` : "";
      return `Keys, leases and log are gone.${closing} The new log’s first entry names it.`;
    });
  }

  render({ phase, status }: View): void {
    setEnabled(this.#form, phase === "locked" || (phase === "ready" && status?.isSetup === true));
  }
}
