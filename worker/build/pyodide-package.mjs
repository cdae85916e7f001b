/** Where the Pyodide package lies, and the parts of it that the build uses. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const PYODIDE_HOME = dirname(fileURLToPath(import.meta.resolve("pyodide/package.json")));

export const PYODIDE_VERSION = /** @type {string} */ (
  JSON.parse(readFileSync(join(PYODIDE_HOME, "package.json"), "utf8")).version
);

/** The lock file without its packages: Pyodide checks its `info`, and there is nothing to install. */
export function emptyLockFile() {
  const lock = JSON.parse(readFileSync(join(PYODIDE_HOME, "pyodide-lock.json"), "utf8"));
  return JSON.stringify({ info: lock.info, packages: {} });
}
