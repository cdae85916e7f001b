/**
 * `kms-runtime.json`: everything that is loaded after the entry script, with the hashes it must have.
 *
 * Written by worker/build/stamp.mjs. Its own SHA-256 is `manifestHash`, which the entry script carries, so its
 * content needs no further check here: whoever could change it could change the script.
 */
export interface ListedFile {
  /** Relative to the address of the enclave. */
  readonly path: string;
  /** SHA-256 of the file's content, lower-case hex. */
  readonly sha256: string;
  readonly size: number;
  /** Present where the file is shipped as gzip: the hash of what the host stores under `path`. */
  readonly gzip?: { readonly sha256: string; readonly size: number };
}

export interface RuntimeList {
  readonly format: "kms-runtime/1";
  readonly version: string;
  readonly codeHash: string;
  /** The Python module whose `start(host)` is called. */
  readonly entry: string;
  readonly components: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<"config" | "worker" | "wasm" | "image", ListedFile>>;
}

function toBase64(hex: string): string {
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))));
}

/** @param hashes SHA-256 in hex; one match is enough. */
export function integrityOf(...hashes: readonly string[]): string {
  return hashes.map((hash) => `sha256-${toBase64(hash)}`).join(" ");
}

/**
 * Both hashes of a compressed file are accepted: browsers check integrity after they have undone
 * `Content-Encoding`, and hosts differ in whether they announce one.
 */
export function fileIntegrity(file: ListedFile): string {
  return file.gzip ? integrityOf(file.sha256, file.gzip.sha256) : integrityOf(file.sha256);
}
