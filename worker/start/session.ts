/** The worker's end of the channel: the boot message, then JSON texts in both directions. */

export interface BootMessage {
  readonly type: "kms:boot";
  /** Address of the enclave, with a trailing slash. */
  readonly release: string;
  /** Text of kms-runtime.json, already checked against the hash that the entry script carries. */
  readonly runtime: string;
  readonly manifestHash: string;
  /** Text of the configuration, already checked against the runtime list. */
  readonly config: string;
}

export type Receive = (text: string) => void;

export interface Session {
  readonly boot: Promise<BootMessage>;
  send(text: string): void;
  /** Hands over what has arrived so far, in order, and everything from now on. */
  deliverTo(receive: Receive): void;
}

function isBootMessage(data: unknown): data is BootMessage {
  return typeof data === "object" && data !== null && "type" in data && data.type === "kms:boot";
}

export function openSession(): Session {
  const waiting: string[] = [];
  let receive: Receive = (text) => waiting.push(text);
  const boot = new Promise<BootMessage>((resolve) => {
    addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") receive(data);
      else if (isBootMessage(data)) resolve(data);
    });
  });
  return {
    boot,
    send: (text) => postMessage(text),
    deliverTo(target) {
      receive = target;
      for (const text of waiting.splice(0)) target(text);
    },
  };
}
