/**
 * Runs Pyodide once, imports everything that the enclave needs, and saves the memory.
 *
 * A process of its own, because it stops the clock and the random generators. The job comes as JSON on
 * standard input; the names of the modules in the image go to standard output.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { ENVIRONMENT } from "./environment.mjs";
import { formatImage } from "./sparse.mjs";
import { stopTheWorld } from "./still-world.mjs";

/** Where the image was made, its modules lay here; at run time nothing does. */
const CODE = "/home/kms/code.zip";

/** @type {import("../types.d.ts").ImageJob} */
const job = JSON.parse(await text(process.stdin));
const code = readFileSync(job.code);
const seal = readFileSync(fileURLToPath(new URL("seal.py", import.meta.url)), "utf8");

stopTheWorld();
const { loadPyodide } = await import("pyodide");
const pyodide = await loadPyodide({ ...ENVIRONMENT, stdLibURL: job.stdlib, jsglobals: {}, _makeSnapshot: true });
pyodide.FS.writeFile(CODE, code);

// A namespace of its own, so that nothing of the sealing stays in the image.
const namespace = pyodide.toPy({});
const call = `seal(${JSON.stringify(CODE)}, ${JSON.stringify(job.imports)})`;
const modules = pyodide.runPython(`${seal}\n${call}`, { globals: namespace });
namespace.destroy();

// The layout that Pyodide writes and API.restoreSnapshot reads: magic, offset of the heap, length of the metadata.
const METADATA_OFFSET = 48;
const saved = pyodide.makeMemorySnapshot();
const [, heapOffset = 0, metadataLength = 0] = new Uint32Array(saved.buffer, saved.byteOffset, 3);
const metadata = JSON.parse(
  Buffer.from(saved.buffer, saved.byteOffset + METADATA_OFFSET, metadataLength).toString("utf8"),
);
writeFileSync(job.output, formatImage(saved.subarray(heapOffset), metadata));
process.stdout.write(modules);
