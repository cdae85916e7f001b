/**
 * The enclave's worker: restores Python from its memory image.
 *
 * It loads nothing itself: what it is made of comes from the frame, which has checked each part against the runtime
 * list (launch.ts).
 */
import { narrowGlobals } from "./start/globals";
import { parseImage } from "./start/image";
import { restorePython } from "./start/python";
import { runEnclave } from "./start/run";
import { asStartError, inStage } from "./start/stage";

runEnclave(async (_boot, parts, report) => {
  const wasm = inStage("code", parts.wasm);
  const image = inStage(
    "image",
    parts.image.then((file) => parseImage(new Uint8Array(file))),
  );
  const python = restorePython({ wasm, jsglobals: narrowGlobals() }, image).catch((cause: unknown) => {
    throw asStartError("python", cause);
  });
  // Python's own deadline begins when it has everything: a slow line is no failure of Python's.
  await Promise.race([python, Promise.all([wasm, image])]);
  report("image", 0.4);
  return inStage("python", python);
});
