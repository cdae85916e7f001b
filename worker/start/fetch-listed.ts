/** Fetches what the runtime list names, and only if it has the hash that stands there. */
import { fileIntegrity, type ListedFile } from "./runtime-list";
import { type Stage, StartError } from "./stage";

/**
 * A mismatch and a broken connection look alike to a script (`TypeError`, on purpose: it must not learn about
 * foreign resources). Asking once more without `integrity` tells them apart; that answer's body is thrown away.
 */
async function explain(url: URL, stage: Stage, cause: unknown): Promise<StartError> {
  const reachable = await fetch(url, { method: "HEAD" }).then(
    (response) => response.ok,
    () => false,
  );
  return reachable
    ? new StartError(stage, "integrity.failed", `${url.pathname} is not the file that was built`, { cause })
    : new StartError(stage, "internal", `${url.pathname} could not be loaded`, { cause });
}

export async function fetchWithIntegrity(url: URL, integrity: string, stage: Stage): Promise<Response> {
  const request: RequestInit = { integrity, redirect: "error" };
  let response: Response;
  try {
    // A damaged copy in the browser's cache would be refused for as long as it is kept there: the host is asked, once.
    response = await fetch(url, request).catch(() => fetch(url, { ...request, cache: "reload" }));
  } catch (cause) {
    throw await explain(url, stage, cause);
  }
  if (!response.ok) throw new StartError(stage, "internal", `${url.pathname} could not be loaded (${response.status})`);
  return response;
}

/** A listed file as the host sent it: see {@link inflate}. */
export async function readListed(base: URL, file: ListedFile, stage: Stage): Promise<ArrayBuffer> {
  const response = await fetchWithIntegrity(new URL(file.path, base), fileIntegrity(file), stage);
  return response.arrayBuffer();
}
