/**
 * The worker of development mode: plain Pyodide and the sources as they are on disk, so that an edit needs only a
 * reload. Its files are served by `make dev` and are not checked; no release contains this script.
 */
import type { PyodideAPI } from "pyodide";
import { narrowGlobals } from "./start/globals";
import { startPython } from "./start/python";
import { runEnclave } from "./start/run";
import { inStage } from "./start/stage";
import { installWheels, type Wheel } from "./wheels/install.mjs";

/** dev/python.json, which tools/server/development_site.py makes at every request. */
interface DevelopmentPython {
  /** Path in site-packages → text. */
  readonly sources: Readonly<Record<string, string>>;
  /** Addresses, like all others here, below the enclave's. */
  readonly stdlib: string;
  readonly micropip: string;
  readonly wheels: readonly string[];
  /** Compiled packages of Pyodide's own build, which its loader fetches and checks. */
  readonly packages: { readonly names: string[]; readonly lockFile: string; readonly folder: string } | null;
}

/** Pyodide's start replaces the global one. */
const fetchFromHost = globalThis.fetch;

async function fetchFresh(url: URL): Promise<Response> {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  return response;
}

async function fetchFile(url: URL): Promise<Wheel & { readonly bytes: Uint8Array<ArrayBuffer> }> {
  const name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  return { name, bytes: new Uint8Array(await (await fetchFresh(url)).arrayBuffer()) };
}

/** Pyodide reports a package that it could not load, and goes on. */
async function loadPackages(pyodide: PyodideAPI, names: string[]): Promise<void> {
  globalThis.fetch = fetchFromHost;
  const failures: string[] = [];
  await pyodide.loadPackage(names, {
    messageCallback: () => {},
    errorCallback: (message) => failures.push(message),
  });
  if (failures.length > 0) throw new Error(failures.join(" "));
}

function writeSources(pyodide: PyodideAPI, sources: DevelopmentPython["sources"]): void {
  const root: string = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const [path, source] of Object.entries(sources)) {
    const file = `${root}/${path}`;
    pyodide.FS.mkdirTree(file.slice(0, file.lastIndexOf("/")));
    pyodide.FS.writeFile(file, source);
  }
  pyodide.runPython("import importlib; importlib.invalidate_caches()");
}

async function fetchAll(release: string) {
  const python: DevelopmentPython = await (await fetchFresh(new URL("dev/python.json", release))).json();
  const { stdlib, micropip, wheels } = python;
  const fetchBelow = (path: string) => fetchFile(new URL(path, release));
  return {
    python,
    stdlib: await fetchBelow(stdlib),
    micropip: await fetchBelow(micropip),
    wheels: await Promise.all(wheels.map(fetchBelow)),
  };
}

runEnclave(async (boot, parts, report) => {
  const { python, stdlib, micropip, wheels } = await inStage("image", fetchAll(boot.release));
  report("image", 0.4);
  const wasm = inStage("code", parts.wasm);
  const packages = python.packages && {
    lockFileContents: python.packages.lockFile,
    packageBaseUrl: new URL(python.packages.folder, boot.release).href,
  };
  const start = startPython({ wasm, stdlib: stdlib.bytes, jsglobals: narrowGlobals() }, packages ?? undefined);
  const pyodide = await inStage("python", start);
  await inStage("python", installWheels(pyodide, micropip, wheels));
  if (python.packages) await inStage("python", loadPackages(pyodide, python.packages.names));
  writeSources(pyodide, python.sources);
  return pyodide;
});
