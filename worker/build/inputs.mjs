/** What the build is made from: Pyodide's package, the wheels that pip has downloaded, and our own Python. */
import { readFileSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson, sha256 } from "./files.mjs";

export const PYODIDE_HOME = dirname(fileURLToPath(import.meta.resolve("pyodide/package.json")));

export const PYODIDE_VERSION = /** @type {string} */ (
  JSON.parse(readFileSync(join(PYODIDE_HOME, "package.json"), "utf8")).version
);

/** Pyodide's lock file without its packages: Pyodide checks its `info`, and there is nothing to install. */
export function emptyLockFile() {
  const lock = JSON.parse(readFileSync(join(PYODIDE_HOME, "pyodide-lock.json"), "utf8"));
  return JSON.stringify({ info: lock.info, packages: {} });
}

/**
 * A folder and the packages of it, or single modules, that become importable.
 *
 * @typedef {{ readonly folder: string, readonly packages: readonly string[] }} PythonRoot
 */

/**
 * What is compiled into the memory image.
 *
 * @typedef {object} PythonInputs
 * @property {string} wheels folder with `image/` and `micropip/`: see the target of that name in the Makefile
 * @property {readonly PythonRoot[]} roots
 */

/** All names of py/ that the build knows. */
const PACKAGE = "kms_enclave";

/** @type {PythonRoot} */
export const OUR_PYTHON = { folder: "py", packages: [PACKAGE] };

/** The module whose `start(host)` the worker calls. */
export const ENTRY = `${PACKAGE}.adapters.browser.entry`;

/**
 * Modules that nothing imports before they are needed, when it is too late: rfc8785 sorts keys by their UTF-16.
 * The other is called while the image is made: see seal.py.
 */
export const NEEDED_LATE = ["encodings.utf_16_be", `${PACKAGE}.prepare`];

/** Parts that only CPython runs: they import what the image does not hold. */
const NOT_IN_THE_BROWSER = ["cli/", "adapters/native/", "adapters/browser/native_entry.py"].map(
  (part) => `${PACKAGE}/${part}`,
);

/** @param {string} a @param {string} b */
function byText(a, b) {
  return a < b ? -1 : 1;
}

/**
 * @param {string} root folder that holds the package
 * @param {string} name a package folder or a single module
 * @returns {AsyncGenerator<[string, Buffer]>} posix path below `root`, bytes
 */
async function* filesOf(root, name) {
  const single = `${name}.py`;
  if (await stat(join(root, single)).catch(() => null)) {
    yield [single, await readFile(join(root, single))];
    return;
  }
  for (const entry of await readdir(join(root, name), { withFileTypes: true })) {
    const path = posix.join(name, entry.name);
    if (entry.isDirectory()) yield* filesOf(root, path);
    else if (path.endsWith(".py") && !NOT_IN_THE_BROWSER.some((prefix) => path.startsWith(prefix)))
      yield [path, await readFile(join(root, path))];
  }
}

/** @param {PythonInputs} inputs @returns {Promise<[string, Buffer][]>} path in site-packages and source, by path */
export async function readSources({ roots }) {
  /** @type {[string, Buffer][]} */
  const files = [];
  for (const { folder, packages } of roots) {
    for (const name of packages) for await (const file of filesOf(folder, name)) files.push(file);
  }
  return files.sort(([a], [b]) => byText(a, b));
}

/**
 * @param {PythonInputs} inputs
 * @param {"image" | "micropip"} part
 * @returns {Promise<import("../wheels/install.mjs").Wheel[]>} by name
 */
export async function readWheels({ wheels }, part) {
  const folder = join(wheels, part);
  const names = await readdir(folder).catch(() => /** @type {string[]} */ ([]));
  if (names.length === 0) throw new Error(`no wheels in ${folder}: run 'make setup' first`);
  return Promise.all(
    names.sort(byText).map(async (name) => ({ name, bytes: new Uint8Array(await readFile(join(folder, name))) })),
  );
}

/** @param {PythonInputs} inputs @returns {Promise<Record<string, string>>} distribution → version */
export async function wheelVersions(inputs) {
  const names = (await readWheels(inputs, "image")).map(({ name }) => name.split("-"));
  return Object.fromEntries(names.map(([name = "", version = ""]) => [name.replaceAll("_", "-"), version]));
}

/**
 * @param {PythonInputs} inputs
 * @returns {Promise<string>} SHA-256 over all Python that the image may hold: sources, wheels, the standard library
 */
export async function hashCode(inputs) {
  const sources = await readSources(inputs);
  const wheels = (await readWheels(inputs, "image")).map(({ name, bytes }) => [name, bytes]);
  const stdlib = await readFile(join(PYODIDE_HOME, "python_stdlib.zip"));
  const hashes = [...sources, ...wheels, ["python_stdlib.zip", stdlib]].map(([path, bytes]) => [path, sha256(bytes)]);
  return sha256(canonicalJson(Object.fromEntries(hashes)));
}
