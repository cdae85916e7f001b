/**
 * Compiles Python to byte code with Pyodide's own compiler.
 *
 * A process of its own, like make-image.mjs. The job comes as JSON on standard input.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { collectPython } from "../python-sources.mjs";
import { ENVIRONMENT } from "./environment.mjs";
import { stopTheWorld } from "./still-world.mjs";

/** @param {string} name */
function readScript(name) {
  return readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
}

/** @type {import("../types.d.ts").CompileJob} */
const job = JSON.parse(await text(process.stdin));
const sources = job.python ? await collectPython(job.python) : null;

stopTheWorld();
const { loadPyodide } = await import("pyodide");
const pyodide = await loadPyodide(ENVIRONMENT);
pyodide.FS.mkdir("/tree");
if (sources) {
  for (const [path, source] of sources) {
    pyodide.FS.mkdirTree(`/tree/${path.slice(0, path.lastIndexOf("/") + 1)}`);
    pyodide.FS.writeFile(`/tree/${path}`, source);
  }
} else {
  pyodide.runPython("import os, zipfile; zipfile.ZipFile(os.__file__.removesuffix('/os.py')).extractall('/tree')");
  pyodide.FS.writeFile("/tree/pyodide/_package_loader.py", readScript("package_loader.py"));
}
pyodide.runPython(`${readScript("compile.py")}\ncompile_tree("/tree", "/output.zip")`);
writeFileSync(job.output, pyodide.FS.readFile("/output.zip"));
