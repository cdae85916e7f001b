/** Every record of the enclave's database, without its key handles. */
async () => {
  const known = await indexedDB.databases();
  // Opening a database that is not there would make an empty one.
  if (!known.some(({ name }) => name === "kms")) return [];
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("kms");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const records = [];
  const names = [...database.objectStoreNames];
  const transaction = database.transaction(names);
  const done = new Promise((resolve) => {
    transaction.oncomplete = resolve;
  });
  for (const store of names) {
    transaction.objectStore(store).openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (!cursor) return;
      const { revision, value, handles } = cursor.value;
      records.push({ store, key: cursor.key, revision, value, handles: Object.keys(handles) });
      cursor.continue();
    };
  }
  await done;
  database.close();
  return records;
};
