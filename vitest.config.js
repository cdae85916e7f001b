/**
 * Tests of the page's own TypeScript: in Node what needs no browser, the rest in the system's Chromium.
 *
 * Nothing here is built or served as a release is: what depends on headers, on the bundle or on the real enclave is
 * tested in e2e/.
 */

import { existsSync } from "node:fs";
import path from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

const CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
/** Times what a busy machine takes longer, as for the tests in Python. */
const LIMIT_MS = 30_000 * Number(process.env.KMS_TEST_PATIENCE ?? 1);

/** The one that the tests of e2e/ drive, too. */
function findChromium() {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const found = folders.map((folder) => path.join(folder, "chromium")).find(existsSync);
  if (!found) throw new Error("these tests need Chromium: run 'make browsers'");
  return found;
}

/** A page of another origin for the SDK's iframe; the test that embeds it plays the enclave. */
const enclavePage = {
  name: "tests:enclave-page",
  /** @param {import("vite").ViteDevServer} server */
  configureServer(server) {
    server.middlewares.use("/enclave.html", (_, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end('<!doctype html><script type="module" src="/tests/web/browser/enclave-page.js"></script>');
    });
  },
};

export default defineConfig({
  test: {
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    // Ends before the test does, so that it says what it has waited for.
    expect: { poll: { timeout: LIMIT_MS / 2 } },
    unstubGlobals: true,
    restoreMocks: true,
    projects: [
      { extends: true, test: { name: "node", environment: "node", include: ["tests/web/node/**/*.test.ts"] } },
      {
        extends: true,
        plugins: [enclavePage],
        test: {
          name: "browser",
          include: ["tests/web/browser/**/*.test.ts"],
          // They have one IndexedDB, which some of them delete.
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: findChromium(), args: CHROMIUM_ARGUMENTS } }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});
