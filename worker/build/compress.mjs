/** Compresses pieces at build time, so that a host need not. */
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { makeOnce } from "./files.mjs";
import { sha256 } from "./hashing.mjs";

const toGzip = promisify(gzip);

/** Writes `<path>.gz` beside `path`. @param {string} path */
export async function compressFile(path) {
  const content = await readFile(path);
  await makeOnce(`${path}.gz`, sha256(content), async (partial) =>
    writeFile(partial, await toGzip(content, { level: constants.Z_BEST_COMPRESSION })),
  );
}
