/**
 * Writes a complete deployment from built pieces and one configuration.
 *
 * usage: node worker/build/stamp.mjs [--pieces build/pieces] [--config kms.config.json] [--out build/enclave]
 *        [--dev] [--entry MODULE] [--without-frame-ancestors]
 *
 * The memory image is not touched: another origin or port is a matter of a second. `OUT/site` is what a host serves,
 * `OUT/hosting` has the same headers for nginx and for Caddy. `--dev` takes the worker of development mode,
 * which can import an entry that is not in the image; `--without-frame-ancestors` is only for a test of what holds
 * without that directive.
 */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { MANIFEST_HASH_PLACEHOLDER, PARENT_ORIGIN_PLACEHOLDER } from "../../vite.config.js";
import { canonicalJson, sha256 } from "./files.mjs";
import { formatCaddy, formatHeadersFile, formatNginx, headerRules } from "./headers.mjs";

/**
 * The fields of kms.config.json that shape a deployment; the enclave's Python checks every field.
 *
 * @typedef {object} DeploymentConfig
 * @property {readonly string[]} parentOrigins
 * @property {string} [contact]
 * @property {boolean} [development]
 */

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

/** @param {DeploymentConfig} config */
function checkConfig({ parentOrigins, development = false, contact = "" }) {
  if (!Array.isArray(parentOrigins) || parentOrigins.length === 0)
    throw new Error("parentOrigins: at least one origin");
  for (const origin of parentOrigins) checkOrigin(origin, development);
  if (!development && /localhost|example\./.test(contact)) {
    process.stderr.write(`warning: contact is ${contact}; Apple refuses tokens with such a subject\n`);
  }
}

/** @typedef {{ readonly path: string, readonly sha256: string, readonly size: number }} ListedFile */

/** @param {ListedFile} file */
function integrity({ sha256 }) {
  return `integrity="sha256-${Buffer.from(sha256, "hex").toString("base64")}" crossorigin="anonymous"`;
}

/**
 * One of the enclave's pages, the frame's or its prompt window's: nothing but what loads a script, with integrity.
 *
 * @param {ListedFile} script @param {ListedFile} style
 */
function entryPage(script, style) {
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

/**
 * Puts the values that the frame's script carries into the finished bundle.
 *
 * @param {string} script @param {string} manifestHash @param {readonly string[]} parentOrigins
 */
function fillFrame(script, manifestHash, parentOrigins) {
  const withHash = fill(script, quoted(MANIFEST_HASH_PLACEHOLDER), manifestHash);
  return fill(withHash, `\\[${quoted(PARENT_ORIGIN_PLACEHOLDER)}\\]`, parentOrigins);
}

/** @returns {Promise<string | null>} commit, with `-dirty` where tracked files differ from it; null outside of git */
async function sourceCommit() {
  try {
    const args = ["describe", "--always", "--abbrev=40", "--match=", "--dirty"];
    return (await promisify(execFile)("git", args)).stdout.trim();
  } catch {
    return null;
  }
}

/** Collects the files of a site, and what the lists say about each. */
class Site {
  /** @type {Record<string, { sha256: string, size: number }>} */
  files = {};

  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
  }

  /** @param {string} path @param {string | Uint8Array} content */
  async write(path, content) {
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
    this.files[path] = { sha256: sha256(content), size: Buffer.byteLength(content) };
    return { path, ...this.files[path] };
  }

  /** Under a name that changes with the content, to be cached for ever. @param {string} name @param {string | Uint8Array} content */
  async writeImmutable(name, content) {
    const extension = extname(name);
    const stem = name.slice(0, name.length - extension.length);
    return this.write(`assets/${stem}.${sha256(content).slice(0, 20)}${extension}`, content);
  }
}

/**
 * What is large travels compressed under a name of its own: no host needs to be taught anything for that.
 *
 * @param {Site} site @param {string} pieces @param {string} name of the piece @param {string} stem of the stored file
 */
async function writeCompressed(site, pieces, name, stem) {
  const content = await readFile(join(pieces, name));
  const {
    path,
    sha256: stored,
    size,
  } = await site.writeImmutable(`${stem}.gz`, await readFile(join(pieces, `${name}.gz`)));
  return { path, sha256: sha256(content), size: content.length, gzip: { sha256: stored, size } };
}

const { values } = parseArgs({
  options: {
    pieces: { type: "string", default: "build/pieces" },
    config: { type: "string", default: "kms.config.json" },
    out: { type: "string", default: "build/enclave" },
    dev: { type: "boolean", default: false },
    entry: { type: "string" },
    "without-frame-ancestors": { type: "boolean", default: false },
  },
});
const { pieces, out } = values;
/** @type {DeploymentConfig} */
const config = JSON.parse(await readFile(values.config, "utf8"));
checkConfig(config);
await rm(out, { recursive: true, force: true });
const site = new Site(join(out, "site"));
/** @type {import("./main.mjs").Pieces} */
const { version, codeHash, components, ...made } = JSON.parse(await readFile(join(pieces, "pieces.json"), "utf8"));
const files = {
  image: await writeCompressed(site, pieces, "image.bin", "image"),
  wasm: await writeCompressed(site, pieces, "python.wasm", "python"),
  worker: await writeCompressed(site, pieces, values.dev ? "worker-dev.js" : "worker.js", "worker"),
  config: await site.writeImmutable("config.json", canonicalJson(config)),
};
const entry = values.entry ?? made.entry;
const runtime = canonicalJson({ format: "kms-runtime/1", version, codeHash, entry, components, files });
const { sha256: manifestHash } = await site.write("kms-runtime.json", runtime);

const frame = await readFile(join(pieces, "frame.js"), "utf8");
const script = await site.writeImmutable("frame.js", fillFrame(frame, manifestHash, config.parentOrigins));
const style = await site.writeImmutable("frame.css", await readFile(join(pieces, "frame.css")));
await site.write("index.html", entryPage(script, style));
const prompt = await site.writeImmutable("prompt.js", await readFile(join(pieces, "prompt.js")));
await site.write("prompt.html", entryPage(prompt, style));

const rules = headerRules(config.parentOrigins, { withoutFrameAncestors: values["without-frame-ancestors"] });
await site.write("_headers", formatHeadersFile(rules));
const release = { format: "kms-release/1", version, manifestHash, commit: await sourceCommit(), headers: rules };
await site.write("kms-release.json", canonicalJson({ ...release, files: { ...site.files } }));

const hosting = join(out, "hosting");
await mkdir(hosting, { recursive: true });
await writeFile(join(hosting, "nginx.conf"), formatNginx(rules));
await writeFile(join(hosting, "Caddyfile"), formatCaddy(rules));
process.stdout.write(`${out}: manifest ${manifestHash}\n`);
