/**
 * Collects the Python that goes into the memory image: our package and its pure-Python dependencies.
 *
 * A package with a compiled part is refused: an image that holds one crashes when it is made.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, posix } from "node:path";

/** Parts of kms_enclave that only CPython runs: they import what the image does not hold. */
const NOT_IN_THE_BROWSER = ["kms_enclave/cli/", "kms_enclave/adapters/native/"];

/** @param {string} venv @returns {Promise<string>} the folder where pip put the dependencies */
async function sitePackages(venv) {
  const lib = join(venv, "lib");
  for (const name of (await readdir(lib)).sort()) {
    const folder = join(lib, name, "site-packages");
    if (name.startsWith("python3") && (await exists(folder))) return folder;
  }
  throw new Error(`no site-packages folder under ${lib}: run 'make setup' first`);
}

/** @param {string} path */
async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * @param {string} root folder that holds the package
 * @param {string} name a package folder or a single module
 * @returns {AsyncGenerator<[string, Buffer]>} posix path below `root`, bytes
 */
async function* filesOf(root, name) {
  if (await exists(join(root, `${name}.py`))) {
    yield [`${name}.py`, await readFile(join(root, `${name}.py`))];
    return;
  }
  const entries = await readdir(join(root, name), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = posix.join(name, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "__pycache__") yield* filesOf(root, path);
    } else if (/\.(so|pyd|dylib)$/.test(entry.name)) {
      throw new Error(`${path} is compiled; the image takes pure Python only`);
    } else if (entry.name.endsWith(".py") && !NOT_IN_THE_BROWSER.some((prefix) => path.startsWith(prefix))) {
      yield [path, await readFile(join(root, path))];
    }
  }
}

/**
 * @param {import("./types.d.ts").PythonSelection} selection
 * @returns {Promise<Map<string, Buffer>>} path in site-packages → source, sorted by path
 */
export async function collectPython({ venv, dependencies, roots }) {
  const installed = { folder: await sitePackages(venv), packages: Object.values(dependencies).flat() };
  /** @type {[string, Buffer][]} */
  const files = [];
  for (const { folder, packages } of [installed, ...roots]) {
    for (const name of packages) {
      for await (const file of filesOf(folder, name)) files.push(file);
    }
  }
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * @param {import("./types.d.ts").PythonSelection} selection
 * @returns {Promise<Record<string, string>>} distribution → installed version
 */
export async function installedVersions({ venv, dependencies }) {
  const folders = await readdir(await sitePackages(venv));
  const entries = Object.keys(dependencies).map((name) => {
    const prefix = `${name.replaceAll("-", "_")}-`;
    const folder = folders.find((entry) => entry.startsWith(prefix) && entry.endsWith(".dist-info"));
    if (!folder) throw new Error(`${name} is not installed in ${venv}: run 'make setup' first`);
    return [name, folder.slice(prefix.length, -".dist-info".length)];
  });
  return Object.fromEntries(entries);
}
