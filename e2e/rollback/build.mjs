/**
 * Bundles the SDK's verifier alone, for a page that tries it on what the tests make.
 *
 * usage: node e2e/rollback/build.mjs OUT
 */
import { fileURLToPath } from "node:url";
import { build } from "vite";
import config from "../../vite.config.js";

const [out] = process.argv.slice(2);
if (!out) throw new Error("usage: build.mjs OUT");

const settings = await config({ mode: "sdk", command: "build" });
await build({
  ...settings,
  configFile: false,
  mode: "verifier",
  logLevel: "warn",
  build: {
    ...settings.build,
    outDir: out,
    emptyOutDir: false,
    rolldownOptions: {
      ...settings.build?.rolldownOptions,
      input: fileURLToPath(new URL("verifier.ts", import.meta.url)),
      output: { format: "es", entryFileNames: "verifier.js" },
    },
  },
});
