/** Files that are made once for the same inputs: hashes, and writing that another build may see at any moment. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

const toGzip = promisify(gzip);

/** @param {string | Uint8Array} data @returns {string} SHA-256, lower-case hex */
export function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * RFC 8785: JSON.stringify already formats strings and numbers that way; what is left is the order of the members.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function canonicalJson(value) {
  return JSON.stringify(value, (_key, member) =>
    member && typeof member === "object" && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/**
 * Writes under another name first: a reader sees the old content or the new, never a part.
 *
 * @param {string} path
 * @param {(partial: string) => Promise<void>} write gets the name to write under
 */
async function replace(path, write) {
  const partial = `${path}.${process.pid}.partial`;
  await mkdir(dirname(path), { recursive: true });
  await write(partial);
  await rename(partial, path);
}

/** @param {string} path @param {string | Uint8Array} content */
export async function writeWhole(path, content) {
  await replace(path, (partial) => writeFile(partial, content));
}

/**
 * Makes a file, unless the one that is there was made from the same inputs.
 *
 * @param {string} path
 * @param {unknown} inputs kept as a hash beside the file
 * @param {(partial: string) => Promise<void>} make writes the file under the name that it is given
 * @returns {Promise<boolean>} whether it was made anew
 */
export async function makeOnce(path, inputs, make) {
  const key = sha256(canonicalJson(inputs));
  const made = await readFile(`${path}.key`, "utf8").catch(() => "");
  if (made === key) return false;
  await replace(path, make);
  await writeWhole(`${path}.key`, key);
  return true;
}

/** Writes `<path>.gz` beside `path`, so that a host need not compress. @param {string} path */
export async function compressFile(path) {
  const content = await readFile(path);
  await makeOnce(`${path}.gz`, sha256(content), async (partial) =>
    writeFile(partial, await toGzip(content, { level: constants.Z_BEST_COMPRESSION })),
  );
}
