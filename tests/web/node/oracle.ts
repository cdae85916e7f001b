/** What other people's code makes, by the Python scripts of `tests/web/oracle`. */

import { execFileSync } from "node:child_process";

const PYTHON = process.env.KMS_PYTHON ?? ".venv/bin/python";
const MAX_BYTES = 64 * 1024 ** 2;

export function readOracle(name: string): unknown {
  const env = { ...process.env, PYTHONPATH: "tests" };
  const options = { encoding: "utf-8", env, maxBuffer: MAX_BYTES } as const;
  return JSON.parse(execFileSync(PYTHON, [`tests/web/oracle/${name}.py`], options));
}

export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}
