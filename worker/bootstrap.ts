/**
 * The enclave's worker: restores Python from its memory image, takes away what it does not need, and hands it the
 * channel to the frame.
 *
 * It loads nothing itself: what it is made of comes from the frame, which has checked each part against the runtime
 * list (launch.ts). Any failure is answered by one `kms:refused` that names the stage; the worker then does nothing more.
 */
import type { PyCallable, PyProxy } from "pyodide/ffi";
import { openDatabase } from "./primitives";
import { dropGlobals, narrowGlobals } from "./start/globals";
import { makeHost, settleDatabase } from "./start/host";
import { type MemoryImage, parseImage } from "./start/image";
import { inflate } from "./start/inflate";
import { startPython } from "./start/python";
import type { RuntimeList } from "./start/runtime-list";
import { openSession } from "./start/session";
import { asStartError, inStage, type Stage } from "./start/stage";

const session = openSession();

function report(stage: Stage, ratio: number): void {
  session.send(JSON.stringify({ type: "kms:progress", stage, ratio }));
}

async function readImage(file: Promise<ArrayBuffer>): Promise<MemoryImage> {
  return parseImage(new Uint8Array(await inflate(await file).arrayBuffer()));
}

async function start(): Promise<void> {
  const boot = await inStage("worker", session.boot);
  const list: RuntimeList = JSON.parse(boot.runtime);
  const opening = settleDatabase(openDatabase());
  report("code", 0.1);
  const wasm = inStage("code", session.wasm);
  const image = inStage("image", readImage(session.image));
  image.then(
    () => report("image", 0.4),
    () => undefined,
  );
  const pyodide = await inStage(
    "python",
    startPython({ wasm, image, lockFileContents: KMS_LOCK_FILE, jsglobals: narrowGlobals() }),
  );
  dropGlobals();
  report("python", 0.8);
  const entry: PyProxy & { readonly start: PyCallable } = pyodide.pyimport(list.entry);
  const host = makeHost(boot, list, session, await inStage("entry", opening));
  session.deliverTo(await inStage("entry", entry.start(host)));
}

start().catch((cause: unknown) => {
  const error = asStartError("python", cause).toWire();
  session.send(JSON.stringify({ type: "kms:refused", error }));
});
