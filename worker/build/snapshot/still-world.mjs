/**
 * Makes a Node process give the same answers in every build: no clock that moves, no randomness.
 *
 * Without this two images differ in time stamps of the virtual file system and in seeds taken at import.
 * It is for the build only: nothing random may come from an image that all users share, so nothing in
 * the image may depend on what is faked here.
 */
import nodeCrypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const FIXED_TIME_MS = Date.UTC(2026, 0, 1);

/** @param {ArrayBufferView} view */
function fillWithZeros(view) {
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(0);
  return view;
}

export function stopTheWorld() {
  const RealDate = Date;
  globalThis.Date = /** @type {DateConstructor} */ (
    class extends RealDate {
      /** @param {ConstructorParameters<typeof RealDate> | []} parts */
      constructor(...parts) {
        if (parts.length === 0) super(FIXED_TIME_MS);
        else super(.../** @type {[number]} */ (parts));
      }
      /** @override */
      static now() {
        return FIXED_TIME_MS;
      }
    }
  );
  performance.now = () => 0;
  Math.random = () => 0.5;
  nodeCrypto.randomFillSync = /** @type {typeof nodeCrypto.randomFillSync} */ (fillWithZeros);
  crypto.getRandomValues = /** @type {typeof crypto.getRandomValues} */ (fillWithZeros);
  syncBuiltinESMExports();
}
