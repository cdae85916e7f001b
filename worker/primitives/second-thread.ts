/**
 * A second thread for checks of signatures: the worker's own script again, started under another name.
 *
 * Browsers check a signature on the thread that asks, at a tenth of a millisecond each: a third of the time in which a
 * long log is verified. The second thread holds no key and knows nothing but what each message brings. Where it cannot
 * be started, or fails, whoever asks does the work.
 */
import { startBlobWorker } from "./blob-worker";
import { settleWithin } from "./deadline";

type Bytes = Uint8Array<ArrayBuffer>;
/** As `verifyEd25519` in signatures.ts takes and gives them. */
export type CheckSignatures = (checks: Bytes) => Promise<Bytes>;

const NAME = "kms-signatures";
/** Its start included; it takes a tenth of a second. */
const DEADLINE_MS = 5_000;

export const isSecondThread = (): boolean => (globalThis as { readonly name?: unknown }).name === NAME;

/** What the second thread does. Answers bear the number of the question; one without verdicts could not be had. */
export function serveChecks(check: CheckSignatures): void {
  addEventListener("message", async ({ data }: MessageEvent<{ id: number; checks: Bytes }>) => {
    const verdicts = await check(data.checks).catch(() => null);
    postMessage({ id: data.id, verdicts });
  });
}

export class SecondThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<Bytes>>();
  #lastId = 0;

  /** @param url of the script. Throws where there is no second thread to be had. */
  constructor(url: string) {
    this.#worker = startBlobWorker(url, NAME);
    this.#worker.addEventListener("message", ({ data }: MessageEvent<{ id: number; verdicts: Bytes | null }>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.verdicts) waiting?.resolve(data.verdicts);
      else waiting?.reject(new Error("the second thread could not check"));
    });
    this.#worker.addEventListener("error", (event) => {
      // Unless it is kept here it becomes an error of this worker, which the frame then replaces.
      event.preventDefault();
      this.#refuseAll("the second thread has failed");
    });
  }

  check(checks: Bytes): Promise<Bytes> {
    this.#lastId += 1;
    const waiting = Promise.withResolvers<Bytes>();
    this.#worker.postMessage({ id: this.#lastId, checks });
    this.#waiting.set(this.#lastId, waiting);
    return settleWithin(waiting.promise, DEADLINE_MS, () => new Error("the second thread is silent"));
  }

  /** Whoever still waits is told at once, and not after a deadline. */
  end(): void {
    this.#worker.terminate();
    this.#refuseAll("the second thread has ended");
  }

  #refuseAll(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}
