"""The ports on the browser: WebCrypto, IndexedDB, Web Locks. Runs inside Pyodide only."""
