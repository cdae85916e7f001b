/**
 * Starts the enclave's worker from the frame, and only the one that was built.
 *
 * `new Worker(url)` knows no integrity, so the source is fetched with its hash and started from a blob.
 */
import { startBlobWorker } from "./primitives/blob-worker";
import { fetchWithIntegrity, readListed } from "./start/fetch-listed";
import { inflate } from "./start/inflate";
import { integrityOf, type ListedFile, type RuntimeList } from "./start/runtime-list";
import type { BootMessage, Parts } from "./start/session";
import { asStartError, inStage, type Stage } from "./start/stage";

/** The two lists of a release as text, each checked against its hash. */
export interface Release {
  readonly baseUrl: URL;
  readonly manifestHash: string;
  readonly runtime: RuntimeList;
  readonly runtimeText: string;
  readonly configText: string;
}

export interface LaunchedWorker extends Release {
  readonly worker: Worker;
}

/**
 * @param manifestHash SHA-256 of kms-runtime.json, lower-case hex
 * @param baseUrl address of the enclave, with a trailing slash
 * Rejects with StartError: `integrity.failed` where a file is not the one that was built.
 */
function loadRelease(manifestHash: string, baseUrl: URL): Promise<Release> {
  return inStage("lists", readRelease(manifestHash, baseUrl));
}

async function readRelease(manifestHash: string, baseUrl: URL): Promise<Release> {
  const listUrl = new URL("kms-runtime.json", baseUrl);
  const listResponse = await fetchWithIntegrity(listUrl, integrityOf(manifestHash), "lists");
  const runtimeText = await listResponse.text();
  const runtime: RuntimeList = JSON.parse(runtimeText);
  const config = await readListed(baseUrl, runtime.files.config, "lists");
  return { baseUrl, manifestHash, runtime, runtimeText, configText: new TextDecoder().decode(config) };
}

async function readSource(baseUrl: URL, file: ListedFile): Promise<Blob> {
  return inflate(await readListed(baseUrl, file, "worker"), "text/javascript").blob();
}

/** Hands a part to the worker when it is there; a failure too, so that there is one place where a start is refused. */
async function handOver<Name extends keyof Parts>(
  worker: Worker,
  name: Name,
  stage: Stage,
  make: () => Promise<Parts[Name]>,
): Promise<void> {
  const type = "kms:part";
  try {
    const part = await inStage(stage, make());
    worker.postMessage({ type, name, part }, part instanceof ArrayBuffer ? [part] : []);
  } catch (cause) {
    worker.postMessage({ type, name, refused: asStartError(stage, cause).toWire() });
  }
}

/**
 * The worker's thread has most to do in a start, so the parts are made ready on this one. The wasm comes first, which
 * the worker needs first; engines compile it on threads of their own, some for a second, and the image need not wait.
 */
async function handOverParts(worker: Worker, wasm: Promise<ArrayBuffer>, image: Promise<ArrayBuffer>): Promise<void> {
  const taken = Promise.withResolvers<void>();
  const compiled = handOver(worker, "wasm", "code", async () =>
    WebAssembly.compileStreaming(inflate(await wasm, "application/wasm", taken.resolve)),
  );
  await Promise.race([taken.promise, compiled]);
  await handOver(worker, "image", "image", async () => inflate(await image).arrayBuffer());
}

/** Of the worker that runs now, which may start its second thread from it (primitives/second-thread.ts). */
let blobUrl: string | undefined;

/**
 * Everything is fetched here and at once; the worker needs no network at all. Its own script comes first, and what
 * else is there is made ready while it is compiled.
 */
async function startWorker(release: Release, topOrigin: string): Promise<Worker> {
  const { baseUrl, manifestHash, runtime, runtimeText, configText } = release;
  const source = readSource(baseUrl, runtime.files.worker);
  const wasm = readListed(baseUrl, runtime.files.wasm, "code");
  const image = readListed(baseUrl, runtime.files.image, "image");
  // They are waited for once there is a worker, which may be never.
  for (const part of [wasm, image]) part.catch(() => undefined);
  if (blobUrl !== undefined) URL.revokeObjectURL(blobUrl);
  blobUrl = URL.createObjectURL(await inStage("worker", source));
  const worker = startBlobWorker(blobUrl, "kms");
  const boot: BootMessage = {
    type: "kms:boot",
    release: baseUrl.href,
    runtime: runtimeText,
    manifestHash,
    config: configText,
    topOrigin,
  };
  worker.postMessage(boot);
  void handOverParts(worker, wasm, image);
  return worker;
}

/** `topOrigin`: of the outermost page around the enclave, which has been verified. */
export async function launchWorker(manifestHash: string, baseUrl: URL, topOrigin: string): Promise<LaunchedWorker> {
  const release = await loadRelease(manifestHash, baseUrl);
  return { ...release, worker: await startWorker(release, topOrigin) };
}
