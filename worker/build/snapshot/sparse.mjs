/**
 * The memory image as a file: only the pages that are not zero.
 *
 * Little-endian. Read by worker/start/image.ts.
 *
 *   u32 magic "KMSI" · u32 format version (1) · u32 heap size in bytes · u32 run count · u32 metadata length
 *   then per run: u32 offset in the heap, u32 length in bytes, both multiples of the page size
 *   then the metadata (JSON, UTF-8: what Pyodide wants back at restore, padded with spaces to 4 bytes)
 *   then the bytes of all runs, in order
 *
 * Runs ascend and do not overlap. Whatever no run covers is zero.
 */
export const IMAGE_MAGIC = 0x49534d4b;
export const IMAGE_VERSION = 1;
const PAGE = 4096;

/** @param {Uint8Array} heap @param {number} offset */
function isZeroPage(heap, offset) {
  const words = new Float64Array(heap.buffer, heap.byteOffset + offset, PAGE / 8);
  // Not `=== 0`: a page of negative zeros is not a page of zero bytes.
  return words.every((word) => Object.is(word, 0));
}

/** @param {Uint8Array} heap @returns {[offset: number, length: number][]} */
function nonZeroRuns(heap) {
  /** @type {[number, number][]} */
  const runs = [];
  for (let offset = 0; offset < heap.length; offset += PAGE) {
    if (isZeroPage(heap, offset)) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === offset) last[1] += PAGE;
    else runs.push([offset, PAGE]);
  }
  return runs;
}

/**
 * @param {Uint8Array} heap the whole memory; its length is a multiple of 64 KiB
 * @param {object} metadata
 * @returns {Buffer}
 */
export function formatImage(heap, metadata) {
  const runs = nonZeroRuns(heap);
  const text = JSON.stringify(metadata);
  const padded = Buffer.from(text.padEnd(Math.ceil(Buffer.byteLength(text) / 4) * 4));
  const head = new Uint32Array([IMAGE_MAGIC, IMAGE_VERSION, heap.length, runs.length, padded.length, ...runs.flat()]);
  const bodies = runs.map(([offset, length]) => heap.subarray(offset, offset + length));
  return Buffer.concat([new Uint8Array(head.buffer), padded, ...bodies]);
}
