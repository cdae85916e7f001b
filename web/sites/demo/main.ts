/** The demo: starts the enclave, and draws the steps again whenever something has changed. */

import { KMSError, KMSUser, RollbackError } from "/sdk/kms-user.js";
import { readEnclaveAddress } from "../common/enclave-address";
import { type Remembered, readRemembered, remember } from "./remembered";
import { Boundary } from "./steps/boundary";
import { LeaseStep } from "./steps/lease";
import { LogStep } from "./steps/log";
import { ResetStep } from "./steps/reset";
import { SetupStep } from "./steps/setup";
import { StartStep } from "./steps/start";
import { TokenStep } from "./steps/token";
import type { Demo, Step, View } from "./view";

class Page implements Demo {
  readonly #start = new StartStep();
  readonly #steps: readonly Step[];
  #kms: KMSUser | null = null;
  #view: View = { phase: "starting", address: null, status: null, entries: [], remembered: readRemembered() };

  /** Draws at once what is remembered, so that nothing moves when the enclave confirms it. */
  constructor() {
    const steps = [SetupStep, LeaseStep, TokenStep, LogStep, ResetStep].map((Made) => new Made(this));
    this.#steps = [this.#start, new Boundary(), ...steps];
    this.#show({});
    document.body.classList.add("drawn");
  }

  get kms(): KMSUser {
    if (!this.#kms) throw new KMSError("channel.not.initialized");
    return this.#kms;
  }

  readonly view = (): View => this.#view;

  async run(): Promise<void> {
    try {
      await this.#open();
    } catch (thrown) {
      this.#start.fail(thrown);
      if (thrown instanceof RollbackError) this.#offer(thrown);
      const isLocked = thrown instanceof KMSError && thrown.code === "attestation.failed";
      this.#show({ phase: isLocked ? "locked" : "failed" });
      if (!isLocked) return;
    }
    await this.refresh();
  }

  readonly refresh = async (remembered: Remembered = this.#view.remembered): Promise<void> => {
    const [status, { entries }] = await Promise.all([this.kms.getStatus(), this.kms.getAuditLog()]);
    // Another tab, or a reset of the enclave, may have changed what this page remembers.
    const kept = status.vapidKid === remembered.kid ? remembered : { kid: status.vapidKid, lease: null };
    remember(kept);
    this.#show({ phase: status.state, status, entries, remembered: kept });
  };

  async #open(): Promise<void> {
    const address = await readEnclaveAddress();
    this.#show({ address });
    const startedMs = performance.now();
    this.#kms = new KMSUser({
      kmsOrigin: address.kmsOrigin,
      onProgress: ({ stage, ratio }) => this.#start.reach(stage, ratio),
    });
    await this.#kms.init();
    this.#start.finish(performance.now() - startedMs, address.kmsOrigin);
  }

  #offer({ handle }: RollbackError): void {
    this.#start.offer(async () => {
      await handle.acceptNewLog();
      await this.refresh();
    });
  }

  #show(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    for (const step of this.#steps) step.render(this.#view);
  }
}

await new Page().run();
