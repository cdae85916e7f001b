/** Every record of the enclave's database, without its key handles. */
async () => {
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
