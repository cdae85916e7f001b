/**
 * The same work as issuing one token, in plain JavaScript and nothing around it: an ES256 signature over a JWT, SHA-256
 * and an Ed25519 signature for the log's entry, and one strict transaction that compares the head and writes the four
 * records of a token (head, quota, token, entry), of about the size that they have in the enclave.
 */
const ES256 = { name: "ECDSA", hash: "SHA-256" };
const CERTIFICATE = "c".repeat(600);

const encoder = new TextEncoder();

function encode(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

const encodeJson = (value) => encode(encoder.encode(JSON.stringify(value)));

function openDatabase() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("baseline", 1);
    opening.onupgradeneeded = () => {
      for (const name of ["meta", "quotas", "tokens", "audit"]) {
        opening.result.createObjectStore(name).createIndex("expires", "expires");
      }
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/** Gives a function that issues one token. */
export async function makeBaseline() {
  const database = await openDatabase();
  const vapid = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const audit = await crypto.subtle.generateKey("Ed25519", false, ["sign"]);
  let revision = 0;
  let previousHash = "0".repeat(64);

  async function signToken(jti, nowS) {
    const claims = {
      aud: "https://fcm.googleapis.com",
      sub: "mailto:developer@localhost",
      iat: nowS,
      nbf: nowS,
      exp: nowS + 900,
      jti,
      eid: "benchmark",
    };
    const signed = `${encodeJson({ typ: "JWT", alg: "ES256", kid: "k".repeat(43) })}.${encodeJson(claims)}`;
    const signature = await crypto.subtle.sign(ES256, vapid.privateKey, encoder.encode(signed));
    return `${signed}.${encode(signature)}`;
  }

  async function signEntry(jti, nowMs) {
    const entry = { kmsVersion: 2, seqNum: revision, timestamp: nowMs, op: "sign", previousHash, cert: CERTIFICATE };
    const bytes = encoder.encode(JSON.stringify({ ...entry, details: { jti } }));
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    const sig = encode(await crypto.subtle.sign("Ed25519", audit.privateKey, digest));
    previousHash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return JSON.stringify({ ...entry, details: { jti }, chainHash: previousHash, sig });
  }

  function commit(jti, entry, nowMs) {
    const transaction = database.transaction(["meta", "quotas", "tokens", "audit"], "readwrite", {
      durability: "strict",
    });
    const put = (store, key, value, more = {}) =>
      transaction.objectStore(store).put({ revision: revision + 1, value, handles: {}, ...more }, key);
    transaction.objectStore("meta").get("head").onsuccess = ({ target }) => {
      if ((target.result?.revision ?? 0) !== revision) {
        transaction.abort();
        return;
      }
      put("meta", "head", JSON.stringify({ seqNum: revision, chainHash: previousHash, timestamp: nowMs }));
      put("quotas", "lease", JSON.stringify({ granted: revision, times: [] }));
      put("tokens", jti, JSON.stringify({ eid: "benchmark", nbf: nowMs }), { expires: nowMs + 900_000 });
      put("audit", revision, entry);
    };
    return new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error("the head moved"));
    });
  }

  return async () => {
    const nowMs = Date.now();
    const jti = crypto.randomUUID();
    const jwt = await signToken(jti, Math.floor(nowMs / 1000));
    await commit(jti, await signEntry(jti, nowMs), nowMs);
    revision += 1;
    return jwt;
  };
}
