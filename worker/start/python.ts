/**
 * Starts Pyodide from a memory image.
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

/** A zip archive without entries: its end-of-central-directory record alone. */
const EMPTY_ZIP = new Uint8Array(22);
EMPTY_ZIP.set([0x50, 0x4b, 0x05, 0x06]);

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
  readonly image: Promise<MemoryImage>;
  readonly lockFileContents: string;
  /** What Python's `js` module shows. */
  readonly jsglobals: object;
}

/**
 * Answers for the platform while Pyodide starts. Not undone: `dropGlobals` removes both right afterwards.
 * @param onFailure Pyodide only logs that an instantiation failed, and then waits for ever
 */
function answerPyodide(wasm: Promise<WebAssembly.Module>, onFailure: (cause: unknown) => void): void {
  globalThis.fetch = async (input) => {
    const url = String(input);
    if (url === STDLIB_URL) return new Response(EMPTY_ZIP);
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

export function startPython({ wasm, image, lockFileContents, jsglobals }: PythonParts): Promise<PyodideAPI> {
  return new Promise((resolve, reject) => {
    answerPyodide(wasm, reject);
    loadPyodide({
      indexURL: INDEX_URL,
      stdLibURL: STDLIB_URL,
      packageBaseUrl: INDEX_URL,
      lockFileContents,
      jsglobals,
      env: { HOME: "/home/kms" },
      // Only its presence counts: the factory restores from `image`.
      _loadSnapshot: new Uint8Array(4),
      createPyodideModule: restoringFactory(image) as never,
    }).then(resolve, reject);
  });
}
