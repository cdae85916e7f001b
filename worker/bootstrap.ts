/**
 * The enclave's worker: restores Python from its memory image.
 *
 * It loads nothing itself: what it is made of comes from the frame, which has checked each part against the runtime
 * list (launch.ts).
 */
import { narrowGlobals } from "./start/globals";
import { type MemoryImage, parseImage } from "./start/image";
import { inflate } from "./start/inflate";
import { restorePython } from "./start/python";
import { runEnclave } from "./start/run";
import { inStage } from "./start/stage";

async function readImage(file: Promise<ArrayBuffer>): Promise<MemoryImage> {
  return parseImage(new Uint8Array(await inflate(await file).arrayBuffer()));
}

runEnclave(async (_boot, parts, report) => {
  const wasm = inStage("code", parts.wasm);
  const image = inStage("image", readImage(parts.image));
  const python = restorePython({ wasm, jsglobals: narrowGlobals() }, image);
  // Python's own deadline begins when it has everything: a slow line is no failure of Python's.
  await Promise.race([python, Promise.all([wasm, image])]);
  report("image", 0.4);
  return inStage("python", python);
});
