/**
 * Makes the pieces of a release: memory image, wasm, bundles. No configuration is in them; stamp.mjs adds that.
 *
 * usage: node worker/build/main.mjs [--out build/pieces] [--venv .venv] [--entry MODULE] [--dev] [--import MODULE]…
 *        [--python FOLDER:PACKAGE[,PACKAGE]]… [--distribution NAME:TOPLEVEL[,TOPLEVEL]]…
 *
 * The last three put more Python into the image than the enclave itself, which is how a test runs inside it.
 * `--dev` adds the worker of development mode.
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PAGES } from "../../vite.config.js";
import { bundle, bundlePage } from "./bundle.mjs";
import { compressFile } from "./compress.mjs";
import { canonicalJson } from "./hashing.mjs";
import { makeImage } from "./image.mjs";
import { PYODIDE_HOME, PYODIDE_VERSION } from "./pyodide-package.mjs";
import { installedVersions } from "./python-sources.mjs";

const ENTRY = "kms_enclave.adapters.browser.entry";

const DEPENDENCIES = {
  attrs: ["attr", "attrs"],
  cattrs: ["cattr", "cattrs"],
  rfc8785: ["rfc8785"],
  "typing-extensions": ["typing_extensions"],
};

/**
 * Modules that nothing imports before they are needed, when it is too late: rfc8785 sorts keys by their UTF-16.
 * The other is called while the image is made: see seal.py.
 */
const NEEDED_LATE = ["encodings.utf_16_be", "kms_enclave.prepare"];

/** @param {readonly string[]} items `left:right,right` @returns {[string, string[]][]} */
function parsePairs(items) {
  return items.map((item) => {
    const colon = item.lastIndexOf(":");
    if (colon < 1) throw new Error(`expected LEFT:NAME[,NAME], got ${item}`);
    return [item.slice(0, colon), item.slice(colon + 1).split(",")];
  });
}

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "build/pieces" },
    venv: { type: "string", default: ".venv" },
    entry: { type: "string", default: ENTRY },
    dev: { type: "boolean", default: false },
    import: { type: "string", multiple: true, default: [] },
    python: { type: "string", multiple: true, default: [] },
    distribution: { type: "string", multiple: true, default: [] },
  },
});

const { out, venv, entry } = values;
/** @type {import("./types.d.ts").PythonSelection} */
const python = {
  venv,
  dependencies: { ...DEPENDENCIES, ...Object.fromEntries(parsePairs(values.distribution)) },
  roots: [
    { folder: "py", packages: ["kms_enclave"] },
    ...parsePairs(values.python).map(([folder, packages]) => ({ folder, packages })),
  ],
};

await mkdir(out, { recursive: true });
const { codeHash, isNew } = await makeImage(python, [entry, ...NEEDED_LATE, ...values.import], out);
await copyFile(join(PYODIDE_HOME, "pyodide.asm.wasm"), join(out, "python.wasm"));
await bundle("worker", out);
await bundle("frame", out);
await bundle("prompt", out);
await bundle("sdk", out);
for (const page of PAGES) if (existsSync(`web/${page}/index.html`)) await bundlePage(page, out);
const large = ["image.bin", "python.wasm", "worker.js"];
if (values.dev) {
  await bundle("worker-dev", out);
  large.push("worker-dev.js");
}
for (const name of large) await compressFile(join(out, name));

const { version } = JSON.parse(await readFile("package.json", "utf8"));
const components = { ...(await installedVersions(python)), pyodide: PYODIDE_VERSION };
/** @type {import("./types.d.ts").Pieces} */
const pieces = { version, codeHash, entry, components, packages: Object.values(python.dependencies).flat() };
await writeFile(join(out, "pieces.json"), canonicalJson(pieces));
process.stdout.write(`${out}: memory image ${isNew ? "made" : "unchanged"}, code ${codeHash.slice(0, 16)}\n`);
