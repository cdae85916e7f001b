/** Values that the frame's script carries, put into the finished bundle. */
import { MANIFEST_HASH_PLACEHOLDER, PARENT_ORIGIN_PLACEHOLDER } from "../../vite.config.js";

/** The minifier picks the quotes. @param {string} text */
function quoted(text) {
  return `["'\`]${text}["'\`]`;
}

/** @param {string} script @param {string} pattern @param {unknown} value */
function fill(script, pattern, value) {
  const parts = script.split(new RegExp(pattern));
  if (parts.length !== 2) throw new Error(`the frame has ${parts.length - 1} places for ${pattern}, not one`);
  return parts.join(JSON.stringify(value));
}

/** @param {string} script @param {string} manifestHash @param {readonly string[]} parentOrigins */
export function fillFrame(script, manifestHash, parentOrigins) {
  const withHash = fill(script, quoted(MANIFEST_HASH_PLACEHOLDER), manifestHash);
  return fill(withHash, `\\[${quoted(PARENT_ORIGIN_PLACEHOLDER)}\\]`, parentOrigins);
}
