/**
 * Checkpoints of the log: https://c2sp.org/tlog-checkpoint in a signed note (https://c2sp.org/signed-note)
 * with one Ed25519 signature. Nothing in one that is taken is left uncovered by it.
 */

import { sha256 } from "../../protocol/hashes";
import { verifyEd25519 } from "./ed25519";
import { type Bytes, concat, isEqual } from "./merkle";

const MAX_CHARS = 1024;
const ED25519 = 1;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
const HASH_BYTES = 32;
/** A name is printable ASCII without space and plus: no two look the same. The three lines that are signed, an empty one, the signature's: origin twice, number, root, signature. */
const FORM = /^([!-*,-~]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]+)\n\n\u2014 ([!-*,-~]+) ([A-Za-z0-9+/=]+)\n$/;

/** A text is no checkpoint, or not one that this key has signed. */
export class NoteError extends Error {
  override readonly name = "NoteError";
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
}

/** Resolves to the checkpoint that a key has signed under its own origin. Rejects with NoteError, KMSError `unsupported`. */
export async function verifyCheckpoint(note: string, expectedKey: Bytes): Promise<Checkpoint> {
  const fields = note.length <= MAX_CHARS ? FORM.exec(note) : null;
  if (!fields) throw new NoteError("no checkpoint with one signature");
  const [, origin = "", size = "", rootText = "", name = "", signatureText = ""] = fields;
  const root = parseBase64(rootText);
  const signed = parseBase64(signatureText);
  if (name !== origin) throw new NoteError("signed under another name");
  if (root.length !== HASH_BYTES || !Number.isSafeInteger(Number(size))) throw new NoteError("no size and root");
  if (signed.length !== KEY_ID_BYTES + SIGNATURE_BYTES) throw new NoteError("a signature of a wrong length");
  if (!isEqual(signed.slice(0, KEY_ID_BYTES), await keyId(name, expectedKey))) throw new NoteError("another key");
  const text = new TextEncoder().encode(note.slice(0, note.indexOf("\n\n") + 1));
  if (!(await verifyEd25519(expectedKey, signed.slice(KEY_ID_BYTES), text))) throw new NoteError("no valid signature");
  return { origin, size: Number(size), root };
}

/** What tells keys of one name apart. */
async function keyId(name: string, key: Bytes): Promise<Bytes> {
  const data = concat(new TextEncoder().encode(`${name}\n`), Uint8Array.of(ED25519), key);
  return (await sha256(data)).slice(0, KEY_ID_BYTES);
}

function parseBase64(text: string): Bytes {
  try {
    const data = atob(text);
    // Other bits after the end would make two texts of one signature.
    if (btoa(data) === text) return Uint8Array.from(data, (char) => char.charCodeAt(0));
  } catch {
    // Told below, as the other case is.
  }
  throw new NoteError("base64 that is not canonical");
}
