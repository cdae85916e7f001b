/** From pieces and a configuration to the files of a deployment. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { checkConfig } from "./config.mjs";
import { entryPage } from "./entry-page.mjs";
import { canonicalJson, sha256 } from "./hashing.mjs";
import { formatCaddy, formatHeadersFile, formatNginx, headerRules } from "./headers.mjs";
import { fillFrame } from "./placeholders.mjs";
import { sourceCommit } from "./source-commit.mjs";

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

/**
 * @param {import("./types.d.ts").StampOptions} options
 * @returns {Promise<string>} manifestHash
 */
export async function stamp({ pieces, config, output, isDevelopment = false, withoutFrameAncestors = false }) {
  checkConfig(config);
  await rm(output, { recursive: true, force: true });
  const site = new Site(join(output, "site"));
  /** @type {import("./types.d.ts").Pieces} */
  const { version, codeHash, entry, components } = JSON.parse(await readFile(join(pieces, "pieces.json"), "utf8"));
  const files = {
    image: await writeCompressed(site, pieces, "image.bin", "image"),
    wasm: await writeCompressed(site, pieces, "python.wasm", "python"),
    worker: await writeCompressed(site, pieces, isDevelopment ? "worker-dev.js" : "worker.js", "worker"),
    config: await site.writeImmutable("config.json", canonicalJson(config)),
  };
  const runtime = canonicalJson({ format: "kms-runtime/1", version, codeHash, entry, components, files });
  const { sha256: manifestHash } = await site.write("kms-runtime.json", runtime);

  const frame = await readFile(join(pieces, "frame.js"), "utf8");
  const script = await site.writeImmutable("frame.js", fillFrame(frame, manifestHash, config.parentOrigins));
  const style = await site.writeImmutable("frame.css", await readFile(join(pieces, "frame.css")));
  await site.write("index.html", entryPage(script, style));
  const prompt = await site.writeImmutable("prompt.js", await readFile(join(pieces, "prompt.js")));
  await site.write("prompt.html", entryPage(prompt, style));

  const rules = headerRules(config.parentOrigins, { withoutFrameAncestors });
  await site.write("_headers", formatHeadersFile(rules));
  const release = { format: "kms-release/1", version, manifestHash, commit: await sourceCommit(), headers: rules };
  await site.write("kms-release.json", canonicalJson({ ...release, files: { ...site.files } }));

  const hosting = join(output, "hosting");
  await mkdir(hosting, { recursive: true });
  await writeFile(join(hosting, "nginx.conf"), formatNginx(rules));
  await writeFile(join(hosting, "Caddyfile"), formatCaddy(rules));
  return manifestHash;
}
