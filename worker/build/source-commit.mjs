/** Which source a release was built from. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** @returns {Promise<string | null>} commit, with `-dirty` where tracked files differ from it; null outside of git */
export async function sourceCommit() {
  try {
    const args = ["describe", "--always", "--abbrev=40", "--match=", "--dirty"];
    return (await promisify(execFile)("git", args)).stdout.trim();
  } catch {
    return null;
  }
}
