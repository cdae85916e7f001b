/**
 * Starts the enclave's worker from the frame, and only the one that was built.
 *
 * `new Worker(url)` knows no integrity, so the source is fetched with its hash and started from a blob.
 */
import { fetchListed, fetchWithIntegrity } from "./start/fetch-listed";
import { integrityOf, type RuntimeList } from "./start/runtime-list";
import type { BootMessage } from "./start/session";
import { inStage } from "./start/stage";

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
export function loadRelease(manifestHash: string, baseUrl: URL): Promise<Release> {
  return inStage("lists", readRelease(manifestHash, baseUrl));
}

async function readRelease(manifestHash: string, baseUrl: URL): Promise<Release> {
  const listUrl = new URL("kms-runtime.json", baseUrl);
  const listResponse = await fetchWithIntegrity(listUrl, integrityOf(manifestHash), "lists");
  const runtimeText = await listResponse.text();
  const runtime: RuntimeList = JSON.parse(runtimeText);
  const config = await fetchListed(baseUrl, runtime.files.config, "lists");
  return { baseUrl, manifestHash, runtime, runtimeText, configText: await config.text() };
}

/** A document may make a policy of one name only once. */
let policy: TrustedTypePolicy | undefined;

/** Lets nothing through but blobs, which only this module makes. */
function trustedBlobUrl(url: string): string {
  if (!globalThis.trustedTypes) return url;
  policy ??= globalThis.trustedTypes.createPolicy("kms", {
    createScriptURL: (candidate) => {
      if (!candidate.startsWith("blob:")) throw new TypeError("only a blob may become the worker");
      return candidate;
    },
  });
  return policy.createScriptURL(url) as unknown as string;
}

export async function startWorker(release: Release): Promise<Worker> {
  const { baseUrl, manifestHash, runtime, runtimeText, configText } = release;
  const source = await inStage("worker", fetchListed(baseUrl, runtime.files.worker, "worker"));
  const blobUrl = URL.createObjectURL(new Blob([await source.blob()], { type: "text/javascript" }));
  const worker = new Worker(trustedBlobUrl(blobUrl), { type: "module", name: "kms" });
  const boot: BootMessage = {
    type: "kms:boot",
    release: baseUrl.href,
    runtime: runtimeText,
    manifestHash,
    config: configText,
  };
  worker.addEventListener("message", () => URL.revokeObjectURL(blobUrl), { once: true });
  worker.postMessage(boot);
  return worker;
}

export async function launchWorker(manifestHash: string, baseUrl: URL): Promise<LaunchedWorker> {
  const release = await loadRelease(manifestHash, baseUrl);
  return { ...release, worker: await startWorker(release) };
}
