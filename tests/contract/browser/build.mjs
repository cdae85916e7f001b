/**
 * Puts the contract's page in the place of the frame.
 *
 * usage: node tests/contract/browser/build.mjs PIECES
 */
import { fileURLToPath } from "node:url";
import { build } from "vite";
import config from "../../../vite.config.js";

const [pieces] = process.argv.slice(2);
if (!pieces) throw new Error("usage: build.mjs PIECES");

const settings = await config({ mode: "frame", command: "build" });
await build({
  ...settings,
  mode: "frame",
  logLevel: "warn",
  build: {
    ...settings.build,
    outDir: pieces,
    emptyOutDir: false,
    rolldownOptions: {
      ...settings.build?.rolldownOptions,
      input: fileURLToPath(new URL("page.ts", import.meta.url)),
    },
  },
});
