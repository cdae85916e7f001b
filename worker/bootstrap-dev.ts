/**
 * The worker of development mode: plain Pyodide and the sources as they are on disk, so that an edit needs only a
 * reload. Its files are served by `make dev` and are not checked; no release contains this script.
 */
import { narrowGlobals } from "./start/globals";
import { startPython } from "./start/python";
import { runEnclave } from "./start/run";
import { inStage } from "./start/stage";

async function fetchFresh(boot: { readonly release: string }, path: string): Promise<Response> {
  const response = await fetch(new URL(path, boot.release), { cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

runEnclave(async (boot, parts, report) => {
  const [stdlib, sources] = await inStage(
    "image",
    Promise.all([
      fetchFresh(boot, "dev/stdlib.zip").then(async (response) => new Uint8Array(await response.arrayBuffer())),
      fetchFresh(boot, "dev/python.json").then(async (response): Promise<Record<string, string>> => response.json()),
    ]),
  );
  report("image", 0.4);
  const wasm = inStage("code", parts.wasm);
  const pyodide = await inStage("python", startPython({ wasm, stdlib, jsglobals: narrowGlobals() }));
  const root: string = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const [path, source] of Object.entries(sources)) {
    const file = `${root}/${path}`;
    pyodide.FS.mkdirTree(file.slice(0, file.lastIndexOf("/")));
    pyodide.FS.writeFile(file, source);
  }
  pyodide.runPython("import importlib; importlib.invalidate_caches()");
  return pyodide;
});
