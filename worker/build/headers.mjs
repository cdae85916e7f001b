/** The response headers of a deployment: which, and in the words of each host. */

/**
 * @typedef {object} HeaderRule
 * @property {string} path or a path prefix with a star at its end
 * @property {Readonly<Record<string, string>>} headers
 */

/** Features that browsers know and the enclave has no use for. Those it uses are in {@link permissionsPolicy}. */
const UNUSED_FEATURES = [
  "accelerometer",
  "autoplay",
  "browsing-topics",
  "camera",
  "clipboard-read",
  "clipboard-write",
  "compute-pressure",
  "display-capture",
  "encrypted-media",
  "fullscreen",
  "gamepad",
  "geolocation",
  "gyroscope",
  "hid",
  "identity-credentials-get",
  "idle-detection",
  "keyboard-map",
  "local-fonts",
  "magnetometer",
  "microphone",
  "midi",
  "otp-credentials",
  "payment",
  "picture-in-picture",
  "screen-wake-lock",
  "serial",
  "sync-xhr",
  "usb",
  "window-management",
  "xr-spatial-tracking",
];

const USED_FEATURES = ["publickey-credentials-get", "publickey-credentials-create", "storage-access"];

function permissionsPolicy() {
  return [...USED_FEATURES.map((name) => `${name}=(self)`), ...UNUSED_FEATURES.map((name) => `${name}=()`)].join(", ");
}

/** @param {readonly string[]} parentOrigins @param {boolean} withoutFrameAncestors */
function contentSecurityPolicy(parentOrigins, withoutFrameAncestors) {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src blob:",
    "connect-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    ...(withoutFrameAncestors ? [] : [`frame-ancestors ${parentOrigins.join(" ") || "'none'"}`]),
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types kms",
  ].join("; ");
}

const IMMUTABLE = { "Cache-Control": "public, max-age=31536000, immutable" };
const REVALIDATED = { "Cache-Control": "no-cache" };

/**
 * `Cache-Control` stands only in rules whose paths do not overlap: some hosts join what several rules give.
 *
 * @param {readonly string[]} parentOrigins
 * @param {{ withoutFrameAncestors?: boolean }} [options]
 * @returns {HeaderRule[]}
 */
export function headerRules(parentOrigins, { withoutFrameAncestors = false } = {}) {
  const everywhere = {
    "Content-Security-Policy": contentSecurityPolicy(parentOrigins, withoutFrameAncestors),
    // A page that has a Cross-Origin-Embedder-Policy can embed the enclave only with this.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": permissionsPolicy(),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Origin-Agent-Cluster": "?1",
  };
  return [
    { path: "/*", headers: everywhere },
    { path: "/assets/*", headers: IMMUTABLE },
    { path: "/", headers: REVALIDATED },
    { path: "/index.html", headers: REVALIDATED },
    { path: "/prompt.html", headers: REVALIDATED },
    { path: "/kms-runtime.json", headers: REVALIDATED },
    { path: "/kms-release.json", headers: REVALIDATED },
  ];
}

/** The `_headers` file that several static hosts read. @param {readonly HeaderRule[]} rules */
export function formatHeadersFile(rules) {
  const blocks = rules.map(({ path, headers }) =>
    [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)].join("\n"),
  );
  return `${blocks.join("\n")}\n`;
}

/** @param {readonly HeaderRule[]} rules */
export function formatNginx(rules) {
  const [everywhere, ...specific] = rules;
  const shared = Object.entries(everywhere?.headers ?? {});
  // add_header is not inherited by a block that has one of its own, so each location repeats them all.
  const locations = specific.map(({ path, headers }) => {
    const match = path.endsWith("*") ? `^~ ${path.slice(0, -1)}` : `= ${path}`;
    const lines = [...shared, ...Object.entries(headers)].map(
      ([name, value]) => `    add_header ${name} "${value}" always;`,
    );
    return `location ${match} {\n${lines.join("\n")}\n}`;
  });
  const head = "# Inside server { root …; } of the enclave's own host.\nindex index.html;\n";
  return `${head}\n${locations.join("\n\n")}\n\nlocation / {\n    return 404;\n}\n`;
}

/** @param {readonly HeaderRule[]} rules */
export function formatCaddy(rules) {
  const blocks = rules.map(({ path, headers }) => {
    const lines = Object.entries(headers).map(([name, value]) => `\t${name} "${value}"`);
    return `header ${path} {\n${lines.join("\n")}\n}`;
  });
  const head = "# Inside the site block of the enclave's own host, beside its root directive.\n";
  return `${head}file_server\n\n${blocks.join("\n\n")}\n`;
}
