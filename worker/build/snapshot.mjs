/**
 * Runs Pyodide once, in a process of its own: to compile Python to byte code, or to make the memory image from it.
 *
 * The job comes as JSON on standard input. The clock and the random generators stand still, so that two runs give the
 * same bytes: time stamps of the virtual file system and seeds taken at import would differ. Nothing random may come
 * from an image that all users share, so nothing in the image may depend on what is faked here.
 */
import nodeCrypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { installWheels } from "../wheels/install.mjs";
import { emptyLockFile, PYODIDE_HOME, readSources, readWheels } from "./inputs.mjs";

/**
 * @typedef {{ readonly step: "stdlib", readonly output: string }} StdlibJob
 * @typedef {{ readonly step: "code", readonly inputs: import("./inputs.mjs").PythonInputs, readonly output: string }} CodeJob
 * @typedef {object} ImageJob
 * @property {"image"} step
 * @property {string} stdlib zip file of byte code
 * @property {string} code another one
 * @property {readonly string[]} imports modules to import before the memory is saved; no others can be imported afterwards
 * @property {string} output
 * @typedef {StdlibJob | CodeJob | ImageJob} Job
 */

/** How Pyodide is started. Nothing of this machine may show in it. */
const ENVIRONMENT = {
  indexURL: PYODIDE_HOME,
  lockFileContents: emptyLockFile(),
  // Nothing is loaded by name; without this Pyodide would fall back to a public address.
  packageBaseUrl: "https://packages.invalid/",
  // No docstrings and no asserts: smaller, and nothing of ours validates with assert.
  args: ["-OO"],
  env: { HOME: "/home/kms", LANG: "C.UTF-8", PYTHONHASHSEED: "0", PYTHONNODEBUGRANGES: "1" },
  _sysExecutable: "python",
};

const FIXED_TIME_MS = Date.UTC(2026, 0, 1);

/** @param {ArrayBufferView} view */
function fillWithZeros(view) {
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(0);
  return view;
}

/** Makes this process give the same answers in every build. */
function stopTheWorld() {
  const RealDate = Date;
  globalThis.Date = /** @type {DateConstructor} */ (
    class extends RealDate {
      /** @param {ConstructorParameters<typeof RealDate> | []} parts */
      constructor(...parts) {
        if (parts.length === 0) super(FIXED_TIME_MS);
        else super(.../** @type {[number]} */ (parts));
      }
      /** @override */
      static now() {
        return FIXED_TIME_MS;
      }
    }
  );
  performance.now = () => 0;
  Math.random = () => 0.5;
  nodeCrypto.randomFillSync = /** @type {typeof nodeCrypto.randomFillSync} */ (fillWithZeros);
  crypto.getRandomValues = /** @type {typeof crypto.getRandomValues} */ (fillWithZeros);
  syncBuiltinESMExports();
}

/** @param {object} [options] */
async function startPyodide(options) {
  stopTheWorld();
  const { loadPyodide } = await import("pyodide");
  return loadPyodide({ ...ENVIRONMENT, ...options });
}

/**
 * Calls a function of a Python file of this folder, in a namespace of its own that goes away again.
 *
 * @param {import("pyodide").PyodideAPI} pyodide
 * @param {string} file
 * @param {string} call Python
 */
function runScript(pyodide, file, call) {
  const script = readFileSync(fileURLToPath(new URL(file, import.meta.url)), "utf8");
  const globals = pyodide.toPy({});
  const result = pyodide.runPython(`${script}\n${call}`, { globals });
  globals.destroy();
  return result;
}

/** @param {StdlibJob} job */
async function compileStdlib({ output }) {
  const pyodide = await startPyodide();
  runScript(pyodide, "compile.py", 'compile_stdlib("/stdlib", "/output.zip")');
  writeFileSync(output, pyodide.FS.readFile("/output.zip"));
}

/** Installs the wheels, lays our own sources beside them, and compiles all of it. @param {CodeJob} job */
async function compileCode({ inputs, output }) {
  const [[micropip], wheels] = [await readWheels(inputs, "micropip"), await readWheels(inputs, "image")];
  const sources = await readSources(inputs);
  const pyodide = await startPyodide();
  const folder = /** @type {string} */ (pyodide.runPython("import site; site.getsitepackages()[0]"));
  if (micropip) await installWheels(pyodide, micropip, wheels);
  for (const [path, source] of sources) {
    pyodide.FS.mkdirTree(`${folder}/${path.slice(0, path.lastIndexOf("/") + 1)}`);
    pyodide.FS.writeFile(`${folder}/${path}`, source);
  }
  runScript(pyodide, "compile.py", `compile_tree("${folder}", "/output.zip")`);
  writeFileSync(output, pyodide.FS.readFile("/output.zip"));
}

/** Imports everything that the enclave needs, and saves the memory. @param {ImageJob} job */
async function makeImage({ stdlib, code, imports, output }) {
  const modules = readFileSync(code);
  const pyodide = await startPyodide({ stdLibURL: stdlib, jsglobals: {}, _makeSnapshot: true });
  // Where the image was made, its modules lay here; at run time nothing does.
  const place = "/home/kms/code.zip";
  pyodide.FS.writeFile(place, modules);
  const names = runScript(pyodide, "seal.py", `seal(${JSON.stringify(place)}, ${JSON.stringify(imports)})`);
  writeFileSync(output, formatImage(pyodide.makeMemorySnapshot()));
  process.stdout.write(names);
}

/**
 * The memory image as a file: only the pages that are not zero.
 *
 * Little-endian. Read by worker/start/image.ts.
 *
 *   u32 magic "KMSI" · u32 format version (1) · u32 heap size in bytes · u32 run count · u32 metadata length
 *   then per run: u32 offset in the heap, u32 length in bytes, both multiples of the page size
 *   then the metadata (JSON, UTF-8: what Pyodide wants back at restore, padded with spaces to 4 bytes)
 *   then the bytes of all runs, in order
 *
 * Runs ascend and do not overlap. Whatever no run covers is zero.
 */
const IMAGE_MAGIC = 0x49534d4b;
const IMAGE_VERSION = 1;
const PAGE = 4096;

/** What Pyodide saves: magic, offset of the heap, length of the metadata; the metadata begins here. */
const METADATA_OFFSET = 48;

/** @param {Uint8Array} heap @param {number} offset */
function isZeroPage(heap, offset) {
  const words = new Float64Array(heap.buffer, heap.byteOffset + offset, PAGE / 8);
  // Not `=== 0`: a page of negative zeros is not a page of zero bytes.
  return words.every((word) => Object.is(word, 0));
}

/** @param {Uint8Array} heap @returns {[offset: number, length: number][]} */
function nonZeroRuns(heap) {
  /** @type {[number, number][]} */
  const runs = [];
  for (let offset = 0; offset < heap.length; offset += PAGE) {
    if (isZeroPage(heap, offset)) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === offset) last[1] += PAGE;
    else runs.push([offset, PAGE]);
  }
  return runs;
}

/** @param {Uint8Array} saved by Pyodide, and read by its API.restoreSnapshot @returns {Buffer} */
function formatImage(saved) {
  const [, heapOffset = 0, metadataLength = 0] = new Uint32Array(saved.buffer, saved.byteOffset, 3);
  const metadata = Buffer.from(saved.buffer, saved.byteOffset + METADATA_OFFSET, metadataLength).toString("utf8");
  const compact = JSON.stringify(JSON.parse(metadata));
  const padded = Buffer.from(compact.padEnd(Math.ceil(Buffer.byteLength(compact) / 4) * 4));
  // Its length is a multiple of 64 KiB.
  const heap = saved.subarray(heapOffset);
  const runs = nonZeroRuns(heap);
  const head = new Uint32Array([IMAGE_MAGIC, IMAGE_VERSION, heap.length, runs.length, padded.length, ...runs.flat()]);
  const bodies = runs.map(([offset, length]) => heap.subarray(offset, offset + length));
  return Buffer.concat([new Uint8Array(head.buffer), padded, ...bodies]);
}

/** @type {Job} */
const job = JSON.parse(await text(process.stdin));
try {
  if (job.step === "stdlib") await compileStdlib(job);
  else if (job.step === "code") await compileCode(job);
  else await makeImage(job);
} catch (error) {
  // The message alone: Node would print the line of code besides, and all of Pyodide is one line.
  process.stderr.write(`${error}\n`);
  process.exitCode = 1;
}
