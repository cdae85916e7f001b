/** Replaced by vite.config.js while bundling. */

/** SHA-256 of kms-runtime.json; in the frame only. Put in by the stamp, since a changed configuration changes it. */
declare const KMS_MANIFEST_HASH: string;

/** Text of the lock file that Pyodide wants to see: no packages. */
declare const KMS_LOCK_FILE: string;
