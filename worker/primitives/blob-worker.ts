/** A policy of one name can be made only once in a document or a worker. */
let policy: TrustedTypePolicy | undefined;

/** Lets nothing through but blobs, which only the launcher makes. */
function trusted(url: string): string {
  if (!globalThis.trustedTypes) return url;
  policy ??= globalThis.trustedTypes.createPolicy("kms", {
    createScriptURL: (candidate) => {
      if (!candidate.startsWith("blob:")) throw new TypeError("only a blob may become the worker");
      return candidate;
    },
  });
  return policy.createScriptURL(url) as unknown as string;
}

const MakeWorker = globalThis.Worker;

/** Start a worker from a blob's address. The enclave's worker loses the global `Worker`, but not this. */
export function startBlobWorker(url: string, name: string): Worker {
  return new MakeWorker(trusted(url), { type: "module", name });
}
