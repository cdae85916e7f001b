/** The entries of the enclave's log, as their JSON texts, the newest at most. */
async (most) => {
  const known = await indexedDB.databases();
  // Opening a database that is not there would make an empty one.
  if (!known.some(({ name }) => name === "kms")) return [];
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("kms");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  try {
    if (!database.objectStoreNames.contains("audit")) return [];
    const entries = [];
    await new Promise((resolve, reject) => {
      const reading = database.transaction("audit").objectStore("audit").openCursor(null, "prev");
      reading.onerror = () => reject(reading.error);
      reading.onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor || entries.length === most) return resolve();
        entries.push(cursor.value.value);
        cursor.continue();
      };
    });
    return entries.reverse();
  } finally {
    database.close();
  }
};
