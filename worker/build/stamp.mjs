/**
 * Writes a complete deployment from built pieces and one configuration.
 *
 * usage: node worker/build/stamp.mjs [--pieces build/pieces] [--config kms.config.json] [--out build/enclave]
 *        [--dev] [--without-frame-ancestors]
 *
 * The memory image is not touched: another origin or port is a matter of a second. `OUT/site` is what a host serves,
 * `OUT/hosting` has the same headers for nginx and for Caddy.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { stamp } from "./stamping.mjs";

const { values } = parseArgs({
  options: {
    pieces: { type: "string", default: "build/pieces" },
    config: { type: "string", default: "kms.config.json" },
    out: { type: "string", default: "build/enclave" },
    dev: { type: "boolean", default: false },
    "without-frame-ancestors": { type: "boolean", default: false },
  },
});

const manifestHash = await stamp({
  pieces: values.pieces,
  config: JSON.parse(await readFile(values.config, "utf8")),
  output: values.out,
  isDevelopment: values.dev,
  withoutFrameAncestors: values["without-frame-ancestors"],
});
process.stdout.write(`${values.out}: manifest ${manifestHash}\n`);
