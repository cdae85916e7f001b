/** Checks the parts of kms.config.json that become headers; the enclave's Python checks every field. */

const LOOPBACK = /^(localhost|.+\.localhost|127\.0\.0\.1|\[::1\])$/;

/** @param {string} origin @param {boolean} isDevelopment */
function checkOrigin(origin, isDevelopment) {
  const url = URL.canParse(origin) ? new URL(origin) : null;
  const isLocal = isDevelopment && url?.protocol === "http:" && LOOPBACK.test(url.hostname);
  const isSecure = url?.protocol === "https:" || isLocal;
  // An origin ends up inside a header: what is not spelled exactly as a browser spells it is refused, and a star,
  // which a URL may hold, would let every sibling in.
  if (url?.origin !== origin || !isSecure || origin.includes("*"))
    throw new Error(`parentOrigins: ${JSON.stringify(origin)} is not an https origin`);
}

/** @param {import("./types.d.ts").DeploymentConfig} config */
export function checkConfig({ parentOrigins, development = false, contact = "" }) {
  if (!Array.isArray(parentOrigins) || parentOrigins.length === 0)
    throw new Error("parentOrigins: at least one origin");
  for (const origin of parentOrigins) checkOrigin(origin, development);
  if (!development && /localhost|example\./.test(contact)) {
    process.stderr.write(`warning: contact is ${contact}; Apple refuses tokens with such a subject\n`);
  }
}
