/** The worker's end of the channel: the boot message, what Python is made of, then JSON texts in both directions. */
import { StartError, type WireStartError } from "./stage";

export interface BootMessage {
  readonly type: "kms:boot";
  /** Address of the enclave, with a trailing slash. */
  readonly release: string;
  /** Text of kms-runtime.json, already checked against the hash that the entry script carries. */
  readonly runtime: string;
  readonly manifestHash: string;
  /** Text of the configuration, already checked against the runtime list. */
  readonly config: string;
  /** Of the outermost page around the enclave: the frame has verified all of them. */
  readonly topOrigin: string;
}

/** What the frame fetches and checks while the worker is still being started. */
export interface Parts {
  readonly wasm: WebAssembly.Module;
  /** The memory image, inflated: see image.ts. */
  readonly image: ArrayBuffer;
}

export type PartMessage = {
  readonly [Name in keyof Parts]: {
    readonly type: "kms:part";
    readonly name: Name;
  } & ({ readonly part: Parts[Name] } | { readonly refused: WireStartError });
}[keyof Parts];

export type Receive = (text: string) => void;

export interface Session {
  readonly boot: Promise<BootMessage>;
  readonly wasm: Promise<Parts["wasm"]>;
  readonly image: Promise<Parts["image"]>;
  send(text: string): void;
  /** Hands over what has arrived so far, in order, and everything from now on. */
  deliverTo(receive: Receive): void;
}

type FrameMessage = string | BootMessage | PartMessage;

/** Only the frame that made this worker can post to it, so what arrives has the shapes above. */
export function openSession(): Session {
  const waiting: string[] = [];
  let receive: Receive = (text) => waiting.push(text);
  const boot = Promise.withResolvers<BootMessage>();
  const parts = { wasm: Promise.withResolvers<Parts["wasm"]>(), image: Promise.withResolvers<Parts["image"]>() };
  // Both may fail before anybody waits for them; that is no unhandled rejection.
  for (const { promise } of Object.values(parts)) promise.catch(() => undefined);

  addEventListener("message", ({ data }: MessageEvent<FrameMessage>) => {
    if (typeof data === "string") receive(data);
    else if (data.type === "kms:boot") boot.resolve(data);
    else if ("refused" in data) parts[data.name].reject(StartError.fromWire(data.refused));
    else if (data.name === "wasm") parts.wasm.resolve(data.part);
    else parts.image.resolve(data.part);
  });
  return {
    boot: boot.promise,
    wasm: parts.wasm.promise,
    image: parts.image.promise,
    send: (text) => postMessage(text),
    deliverTo(target) {
      receive = target;
      for (const text of waiting.splice(0)) target(text);
    },
  };
}
