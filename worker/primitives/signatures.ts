/**
 * Many signatures, made or checked in one crossing from Python.
 *
 * Messages travel framed in one buffer: a 32-bit little-endian length, then the bytes, again and again. Signatures
 * come back in one buffer, 64 bytes each, in order.
 */
import { isSecondThread, SecondThread } from "./second-thread";

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const LENGTH_BYTES = 4;
const ED25519 = { name: "Ed25519" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/** Checks in one crossing: as many as a page of a log has, when somebody waits for its verification. */
const WORTH_A_THREAD = 100;
/** Made when it is first needed; null where it failed. */
let secondThread: SecondThread | null | undefined;

type Bytes = Uint8Array<ArrayBuffer>;
/** Null for bytes that are no public key. */
type Imported = CryptoKey | null;

/** By their bytes: the signers of a log are few, and an import costs as much as a check. What failed is tried again. */
const PUBLIC_KEYS = new Map<string, CryptoKey | Promise<Imported>>();
const MOST_PUBLIC_KEYS = 64;

function* framed(buffer: Bytes): Generator<Bytes> {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  for (let offset = 0; offset < buffer.byteLength; ) {
    const start = offset + LENGTH_BYTES;
    offset = start + view.getUint32(offset, true);
    yield buffer.subarray(start, offset);
  }
}

/** Sign each message with the key at its place. */
export function signEd25519(subtle: SubtleCrypto, keys: readonly CryptoKey[], messages: Bytes): Promise<Bytes> {
  const signing = [...framed(messages)].map((message, index) =>
    subtle.sign(ED25519, keys[index] as CryptoKey, message),
  );
  return joined(signing);
}

/** Sign each message with one P-256 key; r‖s. */
export function signEs256(subtle: SubtleCrypto, key: CryptoKey, messages: Bytes): Promise<Bytes> {
  return joined([...framed(messages)].map((message) => subtle.sign(ES256, key, message)));
}

/** Check signatures, a frame of public key (32 bytes), signature (64) and message for each. One byte a check, 1 for valid. */
export async function verifyEd25519(subtle: SubtleCrypto, checks: Bytes): Promise<Bytes> {
  const frames = [...framed(checks)];
  if (frames.length >= WORTH_A_THREAD && !isSecondThread()) {
    const verdicts = await checkElsewhere(checks);
    if (verdicts) return verdicts;
  }
  return Uint8Array.from(await Promise.all(frames.map((check) => verifyOne(subtle, check))), Number);
}

/** Null where there is no second thread, from the first failure on. */
async function checkElsewhere(checks: Bytes): Promise<Bytes | null> {
  if (secondThread === null) return null;
  try {
    secondThread ??= new SecondThread(location.href);
    return await secondThread.check(checks);
  } catch {
    secondThread?.end();
    secondThread = null;
    return null;
  }
}

/** A known key's check begins at once: in Chromium it is even done before the promise is there. */
async function verifyOne(subtle: SubtleCrypto, check: Bytes): Promise<boolean> {
  const end = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
  const found = findPublicKey(subtle, check.subarray(0, PUBLIC_KEY_BYTES));
  const key = found instanceof Promise ? await found : found;
  return key !== null && subtle.verify(ED25519, key, check.subarray(PUBLIC_KEY_BYTES, end), check.subarray(end));
}

function findPublicKey(subtle: SubtleCrypto, raw: Bytes): CryptoKey | Promise<Imported> {
  const name = String.fromCharCode(...raw);
  const known = PUBLIC_KEYS.get(name);
  if (known !== undefined) return known;
  if (PUBLIC_KEYS.size >= MOST_PUBLIC_KEYS) PUBLIC_KEYS.clear();
  const importing = importPublicKey(subtle, raw);
  PUBLIC_KEYS.set(name, importing);
  importing.then(
    (key) => (key ? PUBLIC_KEYS.set(name, key) : PUBLIC_KEYS.delete(name)),
    () => PUBLIC_KEYS.delete(name),
  );
  return importing;
}

/** Null for bytes that are no point of the curve: a malformed key is a failed check. */
async function importPublicKey(subtle: SubtleCrypto, raw: Bytes): Promise<Imported> {
  try {
    return await subtle.importKey("raw", raw, ED25519, false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && (error.name === "DataError" || error.name === "OperationError")) return null;
    throw error;
  }
}

async function joined(signing: Promise<ArrayBuffer>[]): Promise<Bytes> {
  const signatures = await Promise.all(signing);
  const all = new Uint8Array(signatures.length * SIGNATURE_BYTES);
  signatures.forEach((signature, index) => {
    all.set(new Uint8Array(signature), index * SIGNATURE_BYTES);
  });
  return all;
}
