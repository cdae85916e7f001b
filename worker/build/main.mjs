/**
 * Makes the pieces of a release: memory image, wasm, bundles. No configuration is in them; stamp.mjs adds that.
 *
 * usage: node worker/build/main.mjs [--out build/pieces] [--wheels .wheels] [--entry MODULE] [--dev]
 *        [--import MODULE]… [--python FOLDER:PACKAGE[,PACKAGE]]…
 *
 * The last two put more Python into the image than the enclave itself, which is how a test runs inside it.
 * `--dev` adds the worker of development mode.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "vite";
import viteConfig, { ENTRIES, PAGES, pageConfig } from "../../vite.config.js";
import { canonicalJson, compressFile, makeOnce, sha256, writeWhole } from "./files.mjs";
import { ENTRY, hashCode, NEEDED_LATE, OUR_PYTHON, PYODIDE_HOME, PYODIDE_VERSION, wheelVersions } from "./inputs.mjs";

/**
 * What is made before any configuration is known: pieces.json beside the files it names.
 *
 * @typedef {object} Pieces
 * @property {string} version
 * @property {string} codeHash
 * @property {string} entry
 * @property {Readonly<Record<string, string>>} components
 */

/** @param {string} option `FOLDER:NAME[,NAME]` @returns {import("./inputs.mjs").PythonRoot} */
function parseRoot(option) {
  const colon = option.lastIndexOf(":");
  if (colon < 1) throw new Error(`expected FOLDER:NAME[,NAME], got ${option}`);
  return { folder: option.slice(0, colon), packages: option.slice(colon + 1).split(",") };
}

/** The scripts decide the bytes as much as what they work on. */
const SCRIPTS = ["snapshot.mjs", "compile.py", "seal.py", "../wheels/install.mjs"].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/**
 * Runs snapshot.mjs.
 *
 * @param {import("./snapshot.mjs").Job} job
 * @returns {Promise<string>} its standard output
 */
async function runJob(job) {
  // An environment of its own: nothing of this machine may get into what it makes.
  const child = spawn(process.execPath, SCRIPTS.slice(0, 1), {
    env: { PATH: process.env.PATH, TZ: "UTC", LANG: "C.UTF-8" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(job));
  const exited = new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const output = await text(child.stdout);
  const status = await exited;
  if (status !== 0) throw new Error(`snapshot.mjs failed (${job.step}, exit ${status})`);
  return output;
}

/**
 * @param {import("./inputs.mjs").PythonInputs} inputs
 * @param {readonly string[]} imports
 * @param {string} folder gets `image.bin`, and what it was made from
 * @returns {Promise<{ codeHash: string, isNew: boolean }>}
 */
async function makeImage(inputs, imports, folder) {
  const codeHash = await hashCode(inputs);
  const scripts = await Promise.all(SCRIPTS.map(async (path) => sha256(await readFile(path))));
  const work = join(folder, "work");
  const [stdlib, code] = [join(work, "stdlib.zip"), join(work, "code.zip")];
  await makeOnce(stdlib, { pyodide: PYODIDE_VERSION, scripts }, async (output) => {
    await runJob({ step: "stdlib", output });
  });
  await makeOnce(code, { codeHash, scripts }, async (output) => {
    await runJob({ step: "code", inputs, output });
  });
  const isNew = await makeOnce(join(folder, "image.bin"), { codeHash, imports, scripts }, async (output) => {
    const names = await runJob({ step: "image", stdlib, code, imports, output });
    await writeWhole(join(work, "modules.txt"), `${names.replaceAll(" ", "\n")}\n`);
  });
  return { codeHash, isNew };
}

/** @param {import("vite").UserConfig} settings @param {string} outDir */
async function runVite(settings, outDir) {
  await build({ ...settings, configFile: false, logLevel: "warn", build: { ...settings.build, outDir } });
}

/**
 * Bundles one entry into one file.
 *
 * @param {keyof typeof ENTRIES} mode
 * @param {string} output folder that gets `<mode>.js`, and `<mode>.css` where there are styles
 */
async function bundle(mode, output) {
  const fresh = await mkdtemp(join(output, `.${mode}-`));
  try {
    await runVite({ ...(await viteConfig({ mode, command: "build" })), mode }, fresh);
    for (const name of await readdir(fresh)) await rename(join(fresh, name), join(output, name));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/**
 * @param {string} page one of PAGES
 * @param {string} output folder that gets `<page>/`
 */
async function bundlePage(page, output) {
  await runVite(pageConfig(page), resolve(output, page));
}

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "build/pieces" },
    wheels: { type: "string", default: ".wheels" },
    entry: { type: "string", default: ENTRY },
    dev: { type: "boolean", default: false },
    import: { type: "string", multiple: true, default: [] },
    python: { type: "string", multiple: true, default: [] },
  },
});

const { out, wheels, entry } = values;
const inputs = { wheels, roots: [OUR_PYTHON, ...values.python.map(parseRoot)] };
await mkdir(out, { recursive: true });
const { codeHash, isNew } = await makeImage(inputs, [entry, ...NEEDED_LATE, ...values.import], out);
await writeWhole(join(out, "python.wasm"), await readFile(join(PYODIDE_HOME, "pyodide.asm.wasm")));
/** @type {(keyof typeof ENTRIES)[]} */
const workers = values.dev ? ["worker", "worker-dev"] : ["worker"];
for (const name of /** @type {const} */ ([...workers, "frame", "prompt", "sdk"])) await bundle(name, out);
for (const page of PAGES) await bundlePage(page, out);
for (const name of ["image.bin", "python.wasm", ...workers.map((worker) => `${worker}.js`)])
  await compressFile(join(out, name));

const { version } = JSON.parse(await readFile("package.json", "utf8"));
const components = { ...(await wheelVersions(inputs)), pyodide: PYODIDE_VERSION };
/** @type {Pieces} */
const pieces = { version, codeHash, entry, components };
await writeWhole(join(out, "pieces.json"), canonicalJson(pieces));
process.stdout.write(`${out}: memory image ${isNew ? "made" : "unchanged"}, code ${codeHash.slice(0, 16)}\n`);
