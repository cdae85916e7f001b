/** Reads the sparse memory image; the format is described in worker/build/snapshot.mjs. */

const MAGIC = 0x49534d4b;
const VERSION = 1;
const HEADER_WORDS = 5;

export interface MemoryImage {
  readonly heapSize: number;
  /** What Pyodide's restore wants to know besides the memory. */
  readonly metadata: unknown;
  readonly runs: readonly MemoryRun[];
}

export interface MemoryRun {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export function parseImage(file: Uint8Array): MemoryImage {
  const words = new Uint32Array(file.buffer, file.byteOffset, HEADER_WORDS);
  const [magic, version, heapSize = 0, count = 0, metadataLength = 0] = words;
  if (magic !== MAGIC || version !== VERSION) throw new Error("not a memory image of this version");
  const table = new Uint32Array(file.buffer, file.byteOffset + words.byteLength, count * 2);
  const metadataStart = words.byteLength + table.byteLength;
  const metadata: unknown = JSON.parse(
    new TextDecoder().decode(file.subarray(metadataStart, metadataStart + metadataLength)),
  );
  let position = metadataStart + metadataLength;
  const runs: MemoryRun[] = [];
  for (let i = 0; i < table.length; i += 2) {
    const [offset = 0, length = 0] = table.subarray(i, i + 2);
    runs.push({ offset, bytes: file.subarray(position, position + length) });
    position += length;
  }
  return { heapSize, metadata, runs };
}

/** Makes `heap` equal to the saved memory. What no run covers becomes zero: a fresh heap holds static data there. */
export function restoreImage(image: MemoryImage, heap: Uint8Array): void {
  let end = 0;
  for (const { offset, bytes } of image.runs) {
    heap.fill(0, end, offset);
    heap.set(bytes, offset);
    end = offset + bytes.length;
  }
  heap.fill(0, end);
}
