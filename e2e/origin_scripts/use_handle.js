/** Sign with a stored lease's handle and verify the signature with the public key. */
async ({ publicKey }) => {
  const { subtle } = crypto;
  const database = await new Promise((resolve) => {
    indexedDB.open("kms").onsuccess = ({ target }) => resolve(target.result);
  });
  const [lease] = await new Promise((resolve) => {
    database.transaction("leases").objectStore("leases").getAll().onsuccess = ({ target }) => resolve(target.result);
  });
  database.close();
  const point = Uint8Array.from(atob(publicKey.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const verifying = await subtle.importKey("raw", point, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  const signing = { name: "ECDSA", hash: "SHA-256" };
  const signature = await subtle.sign(signing, lease.handles.signing, point);
  return subtle.verify(signing, verifying, signature, point);
};
