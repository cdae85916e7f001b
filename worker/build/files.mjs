/** Files that several builds may write at the same time. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A reader sees the old content or the new, never a part. @param {string} path @param {string | Uint8Array} content */
export async function writeWhole(path, content) {
  const partial = `${path}.${process.pid}.partial`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(partial, content);
  await rename(partial, path);
}

/**
 * Makes a file, unless the one that is there was made from the same inputs.
 *
 * @param {string} path
 * @param {string} key names the inputs; kept beside the file
 * @param {(partial: string) => Promise<void>} make writes the file under the name that it is given
 * @returns {Promise<boolean>} whether it was made anew
 */
export async function makeOnce(path, key, make) {
  const made = await readFile(`${path}.key`, "utf8").catch(() => "");
  if (made === key) return false;
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  await make(partial);
  await rename(partial, path);
  await writeWhole(`${path}.key`, key);
  return true;
}
