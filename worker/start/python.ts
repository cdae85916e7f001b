/**
 * Starts Pyodide, in a release from a memory image.
 *
 * `loadPyodide` wants to fetch a standard library, a wasm file and a lock file by itself, without integrity. It is
 * given what was already fetched and checked instead, through the one `fetch` that it sees while it runs.
 */
import type { PyodideAPI } from "pyodide";
import { loadPyodide } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { type MemoryImage, restoreImage } from "./image";

/** Addresses that Pyodide asks for; none of them is ever requested from a host. */
const INDEX_URL = "https://pyodide.invalid/";
const WASM_URL = `${INDEX_URL}pyodide.asm.wasm`;
const STDLIB_URL = `${INDEX_URL}python_stdlib.zip`;

/** The part of Pyodide's module that a restore touches; not among its public types. */
interface RestorableModule {
  readonly HEAPU8: Uint8Array;
  readonly API: { restoreSnapshot: (placeholder: Uint8Array) => unknown };
  readonly growMemory: (size: number) => void;
}

type ModuleFactory = (settings: object) => Promise<RestorableModule>;

export interface PythonParts {
  /** Compiled while the image is still on its way. */
  readonly wasm: Promise<WebAssembly.Module>;
  /** The zip file that modules are imported from. */
  readonly stdlib: Uint8Array<ArrayBuffer>;
  /** What Python's `js` module shows. */
  readonly jsglobals: object;
}

/**
 * Answers for the platform while Pyodide starts. Not undone: `dropGlobals` removes both right afterwards.
 * @param onFailure Pyodide only logs that an instantiation failed, and then waits for ever
 */
function answerPyodide({ wasm, stdlib }: PythonParts, onFailure: (cause: unknown) => void): void {
  globalThis.fetch = async (input) => {
    const url = String(input);
    if (url === STDLIB_URL) return new Response(stdlib);
    if (url === WASM_URL) return new Response();
    throw new TypeError(`nothing is loaded from ${url}`);
  };
  WebAssembly.instantiateStreaming = async (_source, imports) => {
    try {
      const module = await wasm;
      return { module, instance: await WebAssembly.instantiate(module, imports) };
    } catch (cause) {
      onFailure(cause);
      throw cause;
    }
  };
}

function load(parts: PythonParts, options: object): Promise<PyodideAPI> {
  return new Promise((resolve, reject) => {
    answerPyodide(parts, reject);
    loadPyodide({
      indexURL: INDEX_URL,
      stdLibURL: STDLIB_URL,
      packageBaseUrl: INDEX_URL,
      lockFileContents: KMS_LOCK_FILE,
      jsglobals: parts.jsglobals,
      env: { HOME: "/home/kms" },
      ...options,
    }).then(resolve, reject);
  });
}

/** Where Pyodide's own loader finds packages; loading one needs the platform's own `fetch` again. */
export interface PackageSource {
  /** Text of the lock file that names them, with their hashes. */
  readonly lockFileContents: string;
  readonly packageBaseUrl: string;
}

/** A Python that can import whatever is in `stdlib`. */
export function startPython(parts: PythonParts, packages?: PackageSource): Promise<PyodideAPI> {
  return load(parts, { createPyodideModule, ...packages });
}

/** Pyodide's own factory, made to wait for the image and to restore it in place of a copy of the whole memory. */
function restoringFactory(image: Promise<MemoryImage>): ModuleFactory {
  return async (settings) => {
    const [module, memory] = await Promise.all([(createPyodideModule as ModuleFactory)(settings), image]);
    module.API.restoreSnapshot = () => {
      // The heap is 30 MiB at creation whatever INITIAL_MEMORY says: https://github.com/pyodide/pyodide/issues/6254
      if (module.HEAPU8.length < memory.heapSize) module.growMemory(memory.heapSize);
      restoreImage(memory, module.HEAPU8);
      return memory.metadata;
    };
    return module;
  };
}

/** A zip archive without entries: its end-of-central-directory record alone. */
function emptyZip(): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(22);
  record.set([0x50, 0x4b, 0x05, 0x06]);
  return record;
}

/** The Python of the image, which can import nothing more than what the image holds. */
export function restorePython(parts: Omit<PythonParts, "stdlib">, image: Promise<MemoryImage>): Promise<PyodideAPI> {
  return load(
    { ...parts, stdlib: emptyZip() },
    {
      // Only its presence counts: the factory restores from `image`.
      _loadSnapshot: new Uint8Array(4),
      createPyodideModule: restoringFactory(image),
    },
  );
}
