/**
 * Runs Pyodide once, imports everything that the enclave needs, and saves the memory.
 *
 * A process of its own, because it stops the clock and the random generators. The job comes as JSON on
 * standard input; the image goes to the file that the job names.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { emptyLockFile, PYODIDE_HOME } from "../pyodide-package.mjs";
import { collectPython } from "../python-sources.mjs";
import { formatImage } from "./sparse.mjs";
import { stopTheWorld } from "./still-world.mjs";

/** @type {import("../types.d.ts").ImageJob} */
const job = JSON.parse(await text(process.stdin));
const sources = await collectPython(job.python);
const seal = readFileSync(fileURLToPath(new URL("seal.py", import.meta.url)), "utf8");
const lockFileContents = emptyLockFile();

stopTheWorld();
const { loadPyodide } = await import("pyodide");
const pyodide = await loadPyodide({
  indexURL: PYODIDE_HOME,
  lockFileContents,
  // Nothing is ever installed; without this Pyodide would fall back to a public address.
  packageBaseUrl: "https://packages.invalid/",
  // No docstrings and no asserts: smaller, and nothing of ours validates with assert.
  args: ["-OO"],
  env: { HOME: "/home/kms", LANG: "C.UTF-8", PYTHONHASHSEED: "0" },
  jsglobals: {},
  _sysExecutable: "python",
  _makeSnapshot: true,
});

const { FS } = pyodide;
const root = pyodide.runPython("import site; site.getsitepackages()[0]");
for (const [path, source] of sources) {
  const full = `${root}/${path}`;
  FS.mkdirTree(full.slice(0, full.lastIndexOf("/")));
  FS.writeFile(full, source);
}
// A namespace of its own, so that nothing of the sealing stays in the image.
const namespace = pyodide.toPy({});
const modules = pyodide.runPython(`${seal}\nseal(${JSON.stringify(job.imports)})`, { globals: namespace });
namespace.destroy();

// The layout that Pyodide writes and API.restoreSnapshot reads: magic, offset of the heap, length of the metadata.
const METADATA_OFFSET = 48;
const saved = pyodide.makeMemorySnapshot();
const [, heapOffset = 0, metadataLength = 0] = new Uint32Array(saved.buffer, saved.byteOffset, 3);
const metadata = JSON.parse(
  Buffer.from(saved.buffer, saved.byteOffset + METADATA_OFFSET, metadataLength).toString("utf8"),
);
writeFileSync(job.output, formatImage(saved.subarray(heapOffset), metadata));
process.stdout.write(modules);
