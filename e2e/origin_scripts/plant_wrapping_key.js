/** Store what a careless enclave would: a wrapping key beside a private key that it wraps. */
async () => {
  const { subtle } = crypto;
  const encode = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const wrapping = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["wrapKey", "unwrapKey"]);
  const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const additionalData = new TextEncoder().encode('{"purpose":"planted"}');
  const wrapped = await subtle.wrapKey("pkcs8", pair.privateKey, wrapping, { name: "AES-GCM", iv, additionalData });
  const value = JSON.stringify({ wrappedLeaseKey: encode(wrapped), wrappedLeaseKeyIv: encode(iv) });

  const database = await new Promise((resolve) => {
    indexedDB.open("kms").onsuccess = ({ target }) => resolve(target.result);
  });
  const transaction = database.transaction("leases", "readwrite");
  transaction.objectStore("leases").put({ revision: 1, value, handles: { sessionKek: wrapping } }, "planted");
  await new Promise((resolve) => {
    transaction.oncomplete = resolve;
  });
  database.close();
  return {
    publicKey: encode(await subtle.exportKey("raw", pair.publicKey)),
    associatedData: encode(additionalData),
  };
};
