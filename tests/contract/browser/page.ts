/**
 * Stands in the frame's place in a test deployment: starts the worker as the frame does, and has it keep promises.
 *
 * `kmsContract.run(name)` resolves with null or with what went wrong. For browsers that a test cannot drive: with
 * `?report=PATH` in the address the page runs all of them by itself and posts the outcome there, with
 * `?report=PATH&write=BYTES` it writes that much instead.
 */
import { launchWorker } from "../../../worker/launch";

type Failure = string | null;
type Outcome = Record<string, Failure>;
type Task = { readonly run: string } | { readonly write: number };

interface Session {
  readonly worker: Worker;
  readonly names: readonly string[];
}

/** What the worker sends: progress and refusals as the enclave's own, the rest from browser_entry.py. */
type Message =
  | { readonly promises: readonly string[] }
  | { readonly id: number; readonly failure: Failure }
  | { readonly type: string };

class Contract {
  /** What the deployment lets embed it; the stamp insists on filling it in. */
  readonly parentOrigins = KMS_PARENT_ORIGINS;
  readonly #session: Promise<Session>;
  readonly #waiting = new Map<number, (failure: Failure) => void>();
  #lastId = 0;

  constructor() {
    this.#session = this.#start();
  }

  async names(): Promise<readonly string[]> {
    return (await this.#session).names;
  }

  /** Null, or a traceback. */
  run(name: string): Promise<Failure> {
    return this.#ask({ run: name });
  }

  /** Have the worker commit a record of so many bytes. Null, or the name of storage's failure, at start or now. */
  async write(bytes: number): Promise<Failure> {
    try {
      return await this.#ask({ write: bytes });
    } catch (refused) {
      const [, failure] = /"code":"storage\.(\w+)"/.exec(String(refused)) ?? [];
      if (!failure) throw refused;
      return failure;
    }
  }

  async runAll(): Promise<Outcome> {
    const failures: Outcome = {};
    for (const name of await this.names()) failures[name] = await this.run(name);
    return failures;
  }

  async #ask(task: Task): Promise<Failure> {
    const { worker } = await this.#session;
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      worker.postMessage(JSON.stringify({ id, ...task }));
    });
  }

  async #start(): Promise<Session> {
    const { worker } = await launchWorker(KMS_MANIFEST_HASH, new URL("./", document.baseURI), location.origin);
    return new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }: MessageEvent<string>) => {
        const message: Message = JSON.parse(data);
        if ("promises" in message) resolve({ worker, names: message.promises });
        else if ("id" in message) this.#settle(message.id, message.failure);
        else if (message.type === "kms:refused") reject(new Error(data));
      });
    });
  }

  #settle(id: number, failure: Failure): void {
    this.#waiting.get(id)?.(failure);
    this.#waiting.delete(id);
  }
}

declare global {
  var kmsContract: Contract;
}

globalThis.kmsContract = new Contract();

async function outcomeOf(parameters: URLSearchParams): Promise<Outcome> {
  const bytes = parameters.get("write");
  try {
    return bytes === null ? await kmsContract.runAll() : { write: await kmsContract.write(Number(bytes)) };
  } catch (error) {
    return { start: String(error) };
  }
}

const parameters = new URL(location.href).searchParams;
const report = parameters.get("report");
if (report !== null) await fetch(report, { method: "POST", body: JSON.stringify(await outcomeOf(parameters)) });
