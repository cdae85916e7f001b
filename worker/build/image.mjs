/** Makes the memory image, unless the one that is there was made from the same inputs. */
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { canonicalJson, sha256 } from "./hashing.mjs";
import { PYODIDE_HOME, PYODIDE_VERSION } from "./pyodide-package.mjs";
import { collectPython } from "./python-sources.mjs";

const SNAPSHOT = fileURLToPath(new URL("snapshot/", import.meta.url));

/**
 * @param {import("./types.d.ts").PythonSelection} python
 * @returns {Promise<string>} SHA-256 over every Python source that the image may hold, the standard library included
 */
export async function hashCode(python) {
  const sources = await collectPython(python);
  const stdlib = await readFile(join(PYODIDE_HOME, "python_stdlib.zip"));
  const hashes = [...sources, ["python_stdlib.zip", stdlib]].map(([path, bytes]) => [path, sha256(bytes)]);
  return sha256(canonicalJson(Object.fromEntries(hashes)));
}

/** Everything that decides the image's bytes. @param {import("./types.d.ts").ImageJob} job @param {string} codeHash */
async function inputsKey({ imports }, codeHash) {
  const scripts = await Promise.all(
    (await readdir(SNAPSHOT)).sort().map(async (name) => [name, sha256(await readFile(join(SNAPSHOT, name)))]),
  );
  return sha256(canonicalJson({ codeHash, imports, pyodide: PYODIDE_VERSION, scripts }));
}

/** @param {import("./types.d.ts").ImageJob} job @returns {Promise<void>} */
async function runJob(job) {
  // An environment of its own: nothing of this machine may get into the image.
  const child = spawn(process.execPath, [join(SNAPSHOT, "make-image.mjs")], {
    env: { PATH: process.env.PATH, TZ: "UTC", LANG: "C.UTF-8" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(job));
  const exited = new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const modules = await text(child.stdout);
  const status = await exited;
  if (status !== 0) throw new Error(`making the memory image failed (exit ${status})`);
  await writeFile(`${job.output}.modules`, `${modules.replaceAll(" ", "\n")}\n`);
}

/**
 * @param {import("./types.d.ts").ImageJob} job
 * @param {string} codeHash
 * @returns {Promise<boolean>} whether it was made anew
 */
export async function makeImage(job, codeHash) {
  const keyFile = `${job.output}.key`;
  const key = await inputsKey(job, codeHash);
  const made = await readFile(keyFile, "utf8").catch(() => "");
  if (made === key) return false;
  await mkdir(dirname(job.output), { recursive: true });
  await runJob(job);
  await writeFile(keyFile, key);
  return true;
}
