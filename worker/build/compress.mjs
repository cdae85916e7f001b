/** Compresses pieces at build time, so that a host need not. */
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { sha256 } from "./hashing.mjs";

const toGzip = promisify(gzip);

/**
 * Writes `<path>.gz` beside `path`, unless it was made from these very bytes.
 *
 * @param {string} path
 */
export async function compressFile(path) {
  const content = await readFile(path);
  const key = sha256(content);
  const made = await readFile(`${path}.gz.key`, "utf8").catch(() => "");
  if (made === key) return;
  await writeFile(`${path}.gz`, await toGzip(content, { level: constants.Z_BEST_COMPRESSION }));
  await writeFile(`${path}.gz.key`, key);
}
