/** The enclave's one page: web/frame/index.html with the names and hashes of what it loads. */
import { sriOf } from "./hashing.mjs";

/** @typedef {{ path: string, sha256: string }} Linked */

/** @param {string} page @param {string} from @param {string} to */
function replaceOnce(page, from, to) {
  const parts = page.split(from);
  if (parts.length !== 2) throw new Error(`the entry page holds ${parts.length - 1} times ${from}, not once`);
  return parts.join(to);
}

/** @param {Linked} file */
function integrity({ sha256 }) {
  return `integrity="${sriOf(sha256)}" crossorigin="anonymous"`;
}

/** @param {string} template @param {Linked} script @param {Linked} style */
export function entryPage(template, script, style) {
  const styled = replaceOnce(template, 'href="./frame.css"', `href="./${style.path}" ${integrity(style)}`);
  return replaceOnce(styled, 'src="./main.ts"', `src="./${script.path}" ${integrity(script)}`);
}
