/** How Pyodide is started at build time. Nothing of this machine may show in it. */
import { emptyLockFile, PYODIDE_HOME } from "../pyodide-package.mjs";

export const ENVIRONMENT = {
  indexURL: PYODIDE_HOME,
  lockFileContents: emptyLockFile(),
  // Nothing is ever installed; without this Pyodide would fall back to a public address.
  packageBaseUrl: "https://packages.invalid/",
  // No docstrings and no asserts: smaller, and nothing of ours validates with assert.
  args: ["-OO"],
  env: { HOME: "/home/kms", LANG: "C.UTF-8", PYTHONHASHSEED: "0", PYTHONNODEBUGRANGES: "1" },
  _sysExecutable: "python",
};
