/**
 * What script on the enclave's origin tries in order to take a private key away, with everything that is stored.
 *
 * `scalarOf` finds a P-256 private scalar in whatever came out: as a JWK's `d`, in PKCS#8, or raw at any offset, by
 * comparing its public point with those of the enclave. `associatedData` is what the enclave's format says that each
 * ciphertext is bound to: no secret. Also names every ciphertext that a stored key opened at all, whatever was in it,
 * counts the tries, so that a test sees that there were any, and names the usages of each stored key.
 */
async ({ publicKeys, associatedData }) => {
  const subtle = crypto.subtle;
  const encode = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const decode = (text) => {
    try {
      const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
      return Uint8Array.from(binary, (character) => character.charCodeAt(0));
    } catch {
      return null;
    }
  };

  const open = () =>
    new Promise((resolve, reject) => {
      const opening = indexedDB.open("kms");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
  const everything = (database, store) =>
    new Promise((resolve) => {
      database.transaction(store).objectStore(store).getAll().onsuccess = ({ target }) => resolve(target.result);
    });

  /** Strings anywhere in a JSON text that base64url can be, by the names they stand under. */
  function* texts(value, name = "") {
    if (typeof value === "string") yield [name, value];
    else if (value && typeof value === "object") {
      for (const [key, member] of Object.entries(value)) yield* texts(member, key);
    }
  }

  const database = await open();
  const keys = [];
  const blobs = [];
  for (const store of database.objectStoreNames) {
    for (const record of await everything(database, store)) {
      for (const [name, key] of Object.entries(record.handles)) keys.push({ name: `${store}.${name}`, key });
      for (const [name, text] of texts(JSON.parse(record.value))) {
        const bytes = decode(text);
        if (bytes && bytes.length >= 12) blobs.push({ name: `${store}.${name}`, bytes });
      }
    }
  }
  database.close();
  const ivs = blobs.filter(({ bytes }) => bytes.length === 12);
  const bindings = [new Uint8Array(), ...associatedData.map(decode)];
  const parameters = ivs.flatMap(({ bytes }) =>
    bindings.map((additionalData) => ({ name: "AES-GCM", iv: bytes, additionalData })),
  );
  const ciphertexts = blobs.filter(({ bytes }) => bytes.length >= 32);

  const found = [];
  const opened = new Set();
  let tries = 0;
  async function attempt(how, work) {
    tries += 1;
    try {
      const taken = await work();
      if (await isPrivate(taken)) found.push(how);
    } catch {
      // Refused, as it should be.
    }
  }

  /** An exported JWK, or bytes that hold a scalar of one of the enclave's public keys. */
  async function isPrivate(taken) {
    if (!(taken instanceof ArrayBuffer)) return typeof taken?.d === "string" || typeof taken?.k === "string";
    const bytes = new Uint8Array(taken);
    for (let offset = 0; offset + 32 <= bytes.length; offset += 1) {
      for (const point of publicKeys) if (await isScalar(bytes.slice(offset, offset + 32), decode(point))) return true;
    }
    return false;
  }

  async function isScalar(scalar, point) {
    const jwk = {
      kty: "EC",
      crv: "P-256",
      d: encode(scalar),
      x: encode(point.slice(1, 33)),
      y: encode(point.slice(33)),
    };
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    try {
      const key = await subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
      const publicKey = await subtle.importKey("raw", point, algorithm, false, ["verify"]);
      const signing = { name: "ECDSA", hash: "SHA-256" };
      const signature = await subtle.sign(signing, key, point);
      return await subtle.verify(signing, publicKey, signature, point);
    } catch {
      return false;
    }
  }

  const FORMATS = ["raw", "pkcs8", "spki", "jwk", "raw-secret", "raw-private", "raw-seed"];
  const wrapper = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["wrapKey", "encrypt", "decrypt"]);
  const iv = new Uint8Array(12);
  for (const { name, key } of keys) {
    for (const format of FORMATS) {
      await attempt(`export ${format} ${name}`, () => subtle.exportKey(format, key));
      await attempt(`wrap ${format} ${name}`, async () => {
        const wrapped = await subtle.wrapKey(format, key, wrapper, { name: "AES-GCM", iv });
        return subtle.decrypt({ name: "AES-GCM", iv }, wrapper, wrapped);
      });
    }
  }

  const TARGETS = [
    ["raw", { name: "HMAC", hash: "SHA-256" }, ["sign"]],
    ["raw", { name: "AES-GCM" }, ["encrypt"]],
    ["raw", { name: "HKDF" }, ["deriveBits"]],
    ["pkcs8", { name: "ECDSA", namedCurve: "P-256" }, ["sign"]],
    ["pkcs8", { name: "ECDH", namedCurve: "P-256" }, ["deriveBits"]],
    ["pkcs8", { name: "Ed25519" }, ["sign"]],
    ["jwk", { name: "ECDSA", namedCurve: "P-256" }, ["sign"]],
    ["jwk", { name: "HMAC", hash: "SHA-256" }, ["sign"]],
  ];
  for (const unwrapping of keys) {
    for (const ciphertext of ciphertexts) {
      for (const gcm of parameters) {
        const how = `${unwrapping.name} over ${ciphertext.name}`;
        await attempt(`decrypt ${how}`, async () => {
          const taken = await subtle.decrypt(gcm, unwrapping.key, ciphertext.bytes);
          opened.add(how);
          return taken;
        });
        for (const [format, algorithm, usages] of TARGETS) {
          await attempt(`unwrap ${format} ${algorithm.name} ${how}`, async () => {
            const { key } = unwrapping;
            const taken = await subtle.unwrapKey(format, ciphertext.bytes, key, gcm, algorithm, true, usages);
            opened.add(how);
            return subtle.exportKey(format, taken);
          });
        }
      }
    }
  }

  const stored = keys.map(({ name, key }) => ({
    name,
    algorithm: key.algorithm.name,
    type: key.type,
    isExtractable: key.extractable,
    usages: [...key.usages],
  }));
  return { found, opened: [...opened], tries, stored, ciphertexts: ciphertexts.map(({ name }) => name) };
};
