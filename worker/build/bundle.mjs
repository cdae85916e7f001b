/** Bundles the TypeScript entries, each into one file. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "vite";
import config, { ENTRIES, pageConfig } from "../../vite.config.js";

/**
 * @param {keyof typeof ENTRIES} mode
 * @param {string} output folder that gets `<mode>.js`, and `<mode>.css` where there are styles
 */
export async function bundle(mode, output) {
  if (!existsSync(ENTRIES[mode])) throw new Error(`${ENTRIES[mode]} does not exist`);
  await mkdir(output, { recursive: true });
  const fresh = await mkdtemp(join(output, `.${mode}-`));
  try {
    const settings = await config({ mode, command: "build" });
    await build({
      ...settings,
      configFile: false,
      mode,
      logLevel: "warn",
      build: { ...settings.build, outDir: fresh },
    });
    for (const name of await readdir(fresh)) await rename(join(fresh, name), join(output, name));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/**
 * @param {string} page one of PAGES
 * @param {string} output folder that gets `<page>/`
 */
export async function bundlePage(page, output) {
  const settings = pageConfig(page);
  await build({
    ...settings,
    configFile: false,
    logLevel: "warn",
    build: { ...settings.build, outDir: resolve(output, page) },
  });
}
