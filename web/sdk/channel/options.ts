/** What a KMSUser is told, checked once. */

import { invalidRequest } from "../../protocol/errors";
import { isPromptMode, PROMPT_MODES, type PromptMode } from "../../protocol/handshake";
import type { ConnectionOptions } from "./connection";
import { DEFAULT_TIMEOUTS, TIMEOUT_NAMES, type Timeouts } from "./timeouts";

const EXAMPLE = "https://kms.example.com";

export interface KMSUserOptions {
  /** Origin of the enclave, such as `https://kms.example.com`. Not the page's own. */
  readonly kmsOrigin: string;
  /** Path of the enclave's page there; `/` unless given. */
  readonly kmsPath?: string;
  /** Refuse any other build. The enclave claims its hash itself: this notices a wrong version, not a lying one. */
  readonly expectedManifestHash?: string;
  readonly timeouts?: Partial<Timeouts>;
  readonly onProgress?: (progress: { readonly stage: string; readonly ratio: number }) => void;
  /** Element that gets the iframe, and must not be hidden itself; `document.body` unless given. */
  readonly container?: Element;
  /**
   * `popup`: the enclave asks in a window of its own, whose address the user can see, not
   * in its iframe. The page must then have no Cross-Origin-Opener-Policy, or
   * `same-origin-allow-popups`. `iframe` unless given; of several instances on a page the
   * first decides.
   */
  readonly promptMode?: PromptMode;
  /**
   * Gets each message between page and enclave as a line of text, with its direction, also the messages of other
   * instances on this page; `true` is `console.debug`. No line holds a secret: credentials, passphrases, PRF outputs,
   * JWTs, endpoint URLs and all text of fields that are not known to be harmless are replaced by field and length.
   */
  readonly debug?: boolean | ((message: string) => void);
}

/** The options of a KMSUser after they were checked. */
export interface Settings {
  readonly address: URL;
  readonly connecting: ConnectionOptions;
  readonly expectedManifestHash: KMSUserOptions["expectedManifestHash"];
  readonly onProgress: KMSUserOptions["onProgress"];
  readonly container: KMSUserOptions["container"];
  readonly debug: ((message: string) => void) | null;
}

/** Throws KMSError `request.invalid`. */
export function parseSettings(options: KMSUserOptions): Settings {
  if (typeof options !== "object" || options === null) throw invalidRequest("options", "must be an object");
  const { expectedManifestHash, onProgress, container } = options;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidRequest("onProgress", "must be a function");
  }
  const address = parseAddress(options);
  const connecting = { timeouts: parseTimeouts(options.timeouts), promptMode: parsePromptMode(options) };
  return { address, connecting, expectedManifestHash, onProgress, container, debug: parseDebug(options) };
}

function parseDebug({ debug = false }: KMSUserOptions): Settings["debug"] {
  if (debug === true) return (message) => console.debug(message);
  if (debug !== false && typeof debug !== "function") throw invalidRequest("debug", "must be a boolean or a function");
  return debug || null;
}

function parsePromptMode({ promptMode = "iframe" }: KMSUserOptions): PromptMode {
  if (!isPromptMode(promptMode)) throw invalidRequest("promptMode", `must be one of ${PROMPT_MODES.join(", ")}`);
  return promptMode;
}

function parseAddress({ kmsOrigin, kmsPath = "/" }: KMSUserOptions): URL {
  const origin = parseOrigin(kmsOrigin);
  if (origin === globalThis.location?.origin) {
    throw invalidRequest("kmsOrigin", "must not be the page's own origin: nothing would separate the two");
  }
  if (typeof kmsPath !== "string" || !kmsPath.startsWith("/") || !URL.canParse(kmsPath, origin))
    throw invalidRequest("kmsPath", "must be a path");
  const address = new URL(kmsPath, origin);
  if (address.origin !== origin) throw invalidRequest("kmsPath", "must stay on kmsOrigin");
  return address;
}

/** Each fault in its own words: most first attempts at embedding fail here. */
function parseOrigin(text: unknown): string {
  if (typeof text !== "string") throw invalidRequest("kmsOrigin", `must be text such as ${EXAMPLE}`);
  if (!URL.canParse(text)) throw invalidRequest("kmsOrigin", `is not a URL; it must be like ${EXAMPLE}`);
  const { protocol, origin, username, password, pathname, search, hash } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") {
    throw invalidRequest("kmsOrigin", `must begin with https:// or http://, like ${EXAMPLE}`);
  }
  if (username || password) throw invalidRequest("kmsOrigin", `must not hold user information; ${origin} is enough`);
  if (pathname !== "/") throw invalidRequest("kmsOrigin", `must be ${origin} alone; a path belongs into kmsPath`);
  if (search || hash) throw invalidRequest("kmsOrigin", `must be ${origin} alone, without query and fragment`);
  return origin;
}

function parseTimeouts(timeouts: Partial<Timeouts> = {}): Timeouts {
  if (typeof timeouts !== "object" || timeouts === null) throw invalidRequest("timeouts", "must be an object");
  for (const [name, value] of Object.entries(timeouts)) {
    if (!TIMEOUT_NAMES.has(name)) throw invalidRequest(`timeouts.${name}`, "unknown field");
    const isDuration = typeof value === "number" && value > 0 && value < 2 ** 31;
    if (!isDuration) throw invalidRequest(`timeouts.${name}`, "must be milliseconds");
  }
  return { ...DEFAULT_TIMEOUTS, ...timeouts };
}
