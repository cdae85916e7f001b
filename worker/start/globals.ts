/**
 * What the worker's global scope loses once Python runs.
 *
 * The worker holds keys and has no reason to reach the network or to start code. A Content-Security-Policy already
 * limits both; this makes the tools themselves absent. It is no sandbox: code that runs here before the start is done
 * could have kept a reference, and nothing but the code of the release runs here.
 */
const UNNEEDED = [
  "fetch",
  "fetchLater",
  "importScripts",
  "BroadcastChannel",
  "EventSource",
  "FileReaderSync",
  "Notification",
  "RTCDataChannel",
  "RTCPeerConnection",
  "Request",
  "Response",
  "SharedWorker",
  "WebSocket",
  "WebSocketStream",
  "WebTransport",
  "Worker",
  "XMLHttpRequest",
  "caches",
  "eval",
] as const;

/** Removes each name from the global object and from every prototype that would still answer for it. */
export function dropGlobals(scope: object = globalThis): void {
  for (const name of UNNEEDED) {
    for (let holder: object | null = scope; holder; holder = Object.getPrototypeOf(holder)) {
      Reflect.deleteProperty(holder, name);
    }
    // Where an engine refuses the deletion, an undefined value stands in front of it.
    if (name in scope) Object.defineProperty(scope, name, { value: undefined });
  }
}

/** All that Python's `js` module offers. Everything else reaches Python through the host object. */
export function narrowGlobals(): object {
  return Object.freeze({ Object, Array, Uint8Array });
}
