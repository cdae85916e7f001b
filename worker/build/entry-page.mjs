/** The enclave's pages, the frame's and its prompt window's. They hold nothing but what loads a script, with integrity. */
import { sriOf } from "./hashing.mjs";

/** @typedef {{ path: string, sha256: string }} Linked */

/** @param {Linked} file */
function integrity({ sha256 }) {
  return `integrity="${sriOf(sha256)}" crossorigin="anonymous"`;
}

/** @param {Linked} script @param {Linked} style */
export function entryPage(script, style) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Key enclave</title>
<link rel="stylesheet" href="./${style.path}" ${integrity(style)}>
<script type="module" src="./${script.path}" ${integrity(script)}></script>
</html>
`;
}
