/** Put ballast beside the enclave's database until not even half a kilobyte more fits. */
async () => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("ballast");
    opening.onupgradeneeded = () => opening.result.createObjectStore("ballast", { autoIncrement: true });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const fits = (size) =>
    new Promise((resolve) => {
      const ballast = new Uint8Array(size);
      // What repeats itself would be compressed.
      for (let start = 0; start < size; start += 65_536)
        crypto.getRandomValues(ballast.subarray(start, start + 65_536));
      const transaction = database.transaction("ballast", "readwrite");
      transaction.objectStore("ballast").put(ballast);
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = () => resolve(false);
    });
  for (let size = 1 << 20; size >= 512; size >>= 1) while (await fits(size));
  database.close();
};
