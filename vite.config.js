/**
 * One bundle per mode: each is a single ES module, so that one hash covers it.
 *
 * Minified, without source maps and without anything that depends on the folder or the time: the same sources give the
 * same bytes. worker/build/main.mjs calls this once for each mode.
 */
import { defineConfig } from "vite";
import { emptyLockFile } from "./worker/build/inputs.mjs";

/** Where the stamp puts the real values: texts that occur nowhere else. */
export const MANIFEST_HASH_PLACEHOLDER = "kms-manifest-hash-goes-here";
export const PARENT_ORIGIN_PLACEHOLDER = "kms-parent-origins-go-here";

export const ENTRIES = /** @type {const} */ ({
  worker: "worker/bootstrap.ts",
  "worker-dev": "worker/bootstrap-dev.ts",
  frame: "web/frame/main.ts",
  prompt: "web/frame/window/main.ts",
  sdk: "web/sdk/kms-user.ts",
});

/** Folders of pages on the page's origin; they load the SDK from its address there. */
export const PAGES = /** @type {const} */ (["demo", "conformance"]);

/** Pyodide's script names its wasm file, which would be copied as an asset; ours comes through the runtime list. */
const withoutWasmAsset = {
  name: "kms:without-wasm-asset",
  /** @param {string} code @param {string} id */
  transform(code, id) {
    if (!id.endsWith("pyodide.asm.mjs")) return null;
    return { code: code.replace('new URL("pyodide.asm.wasm",import.meta.url).href', '""'), map: null };
  },
};

/** @param {string} page @returns {import("vite").UserConfig} */
export function pageConfig(page) {
  return {
    root: `web/sites/${page}`,
    base: "./",
    build: {
      target: "es2024",
      modulePreload: false,
      assetsInlineLimit: 0,
      emptyOutDir: true,
      rolldownOptions: { external: [/^\/sdk\//] },
    },
  };
}

export default defineConfig(({ mode }) => ({
  publicDir: false,
  plugins: [withoutWasmAsset],
  define: {
    KMS_LOCK_FILE: JSON.stringify(emptyLockFile()),
    KMS_MANIFEST_HASH: JSON.stringify(MANIFEST_HASH_PLACEHOLDER),
    KMS_PARENT_ORIGINS: JSON.stringify([PARENT_ORIGIN_PLACEHOLDER]),
  },
  build: {
    target: "es2024",
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
    // Small pictures and fonts would become data: addresses, which the enclave's policy refuses.
    assetsInlineLimit: 0,
    emptyOutDir: true,
    rolldownOptions: {
      input: ENTRIES[/** @type {keyof typeof ENTRIES} */ (mode)],
      output: {
        format: "es",
        entryFileNames: `${mode}.js`,
        assetFileNames: `${mode}[extname]`,
        codeSplitting: false,
      },
      preserveEntrySignatures: "strict",
      // Direct eval and a CommonJS name, both in Emscripten's own code.
      onwarn(warning, warn) {
        if (!warning.message.includes("pyodide")) warn(warning);
      },
    },
  },
}));
