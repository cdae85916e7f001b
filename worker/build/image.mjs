/** Makes the memory image, unless the one that is there was made from the same inputs. */
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { makeOnce, writeWhole } from "./files.mjs";
import { canonicalJson, sha256 } from "./hashing.mjs";
import { PYODIDE_HOME, PYODIDE_VERSION } from "./pyodide-package.mjs";
import { collectPython } from "./python-sources.mjs";

const SNAPSHOT = fileURLToPath(new URL("snapshot/", import.meta.url));

/**
 * @param {import("./types.d.ts").PythonSelection} python
 * @returns {Promise<string>} SHA-256 over every Python source that the image may hold, the standard library included
 */
async function hashCode(python) {
  const sources = await collectPython(python);
  const stdlib = await readFile(join(PYODIDE_HOME, "python_stdlib.zip"));
  const hashes = [...sources, ["python_stdlib.zip", stdlib]].map(([path, bytes]) => [path, sha256(bytes)]);
  return sha256(canonicalJson(Object.fromEntries(hashes)));
}

/** The scripts decide the bytes as much as what they work on. */
async function hashScripts() {
  const names = (await readdir(SNAPSHOT)).sort();
  return sha256(
    canonicalJson(await Promise.all(names.map(async (name) => sha256(await readFile(join(SNAPSHOT, name)))))),
  );
}

/**
 * Runs one of the snapshot scripts in a process of its own.
 *
 * @param {string} script
 * @param {import("./types.d.ts").CompileJob | import("./types.d.ts").ImageJob} job
 * @returns {Promise<string>} its standard output
 */
async function runJob(script, job) {
  // An environment of its own: nothing of this machine may get into what it makes.
  const child = spawn(process.execPath, [join(SNAPSHOT, script)], {
    env: { PATH: process.env.PATH, TZ: "UTC", LANG: "C.UTF-8" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(job));
  const exited = new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const output = await text(child.stdout);
  const status = await exited;
  if (status !== 0) throw new Error(`${script} failed (exit ${status})`);
  return output;
}

/** @param {string} path @param {import("./types.d.ts").PythonSelection | null} python @param {string} key */
async function compilePython(path, python, key) {
  await makeOnce(path, key, async (output) => {
    await runJob("compile-python.mjs", { python, output });
  });
}

/**
 * @param {import("./types.d.ts").PythonSelection} python
 * @param {readonly string[]} imports
 * @param {string} folder gets `image.bin`, and what it was made from
 * @returns {Promise<{ codeHash: string, isNew: boolean }>}
 */
export async function makeImage(python, imports, folder) {
  const codeHash = await hashCode(python);
  const scripts = await hashScripts();
  const work = join(folder, "work");
  const stdlib = join(work, "stdlib.zip");
  const code = join(work, "code.zip");
  await compilePython(stdlib, null, sha256(canonicalJson({ pyodide: PYODIDE_VERSION, scripts })));
  await compilePython(code, python, sha256(canonicalJson({ codeHash, scripts })));
  const key = sha256(canonicalJson({ codeHash, imports, scripts }));
  const isNew = await makeOnce(join(folder, "image.bin"), key, async (output) => {
    const modules = await runJob("make-image.mjs", { stdlib, code, imports, output });
    await writeWhole(join(work, "modules.txt"), `${modules.replaceAll(" ", "\n")}\n`);
  });
  return { codeHash, isNew };
}
