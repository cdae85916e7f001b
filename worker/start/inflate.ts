/**
 * Undoes the compression of a file, unless the host has announced it and the browser has undone it already.
 *
 * Files travel as gzip under names of their own, so that no host needs to be taught anything. It is also the fastest:
 * an integrity check costs more than inflating, and here it sees a third of the bytes.
 */

/** A few milliseconds of work; the thread may be that of the embedding page, which must not stand still. */
const SLICE_BYTES = 128 * 1024;

/** Resolves in a task of its own, after others that wait already. A timer would be held back to 4 ms. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function sliced(file: ArrayBuffer, onTaken: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  let position = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        await nextTask();
        controller.enqueue(new Uint8Array(file, position, Math.min(SLICE_BYTES, file.byteLength - position)));
        position += SLICE_BYTES;
        if (position < file.byteLength) return;
        controller.close();
        onTaken();
      },
    },
    // Nothing is taken in before it is asked for.
    { highWaterMark: 0 },
  );
}

/** @param onTaken called when the last of `file` has been taken in, which may be long before the response is used up */
export function inflate(file: ArrayBuffer, type = "application/octet-stream", onTaken = () => {}): Response {
  const [first, second] = new Uint8Array(file, 0, Math.min(2, file.byteLength));
  const isGzip = first === 0x1f && second === 0x8b;
  const body = isGzip ? sliced(file, onTaken).pipeThrough(new DecompressionStream("gzip")) : file;
  return new Response(body, { headers: { "Content-Type": type } });
}
