/** The log as a file, part by part: no single message, and no string, grows with it. */

import type { ExportAuditParams, ExportAuditResult } from "../../protocol/contract.gen";
import { isPlainObject } from "../../protocol/guards";

export interface AuditExport {
  /** JSON Lines, as `kms-enclave audit verify` takes it. */
  readonly file: Blob;
  /** The signed note in the file's first line, which `pruneAudit` asks for; null in the file of a locked enclave. */
  readonly checkpoint: string | null;
}

const MEDIA_TYPE = "application/jsonl";

export async function exportWholeLog(
  readPart: (params: ExportAuditParams) => Promise<ExportAuditResult>,
): Promise<AuditExport> {
  const parts: Blob[] = [];
  let checkpoint: string | null = null;
  let params: ExportAuditParams = {};
  for (;;) {
    const { text, size, next } = await readPart(params);
    if (parts.length === 0) checkpoint = noteIn(text);
    parts.push(new Blob([text]));
    if (next === null) return { file: new Blob(parts, { type: MEDIA_TYPE }), checkpoint };
    params = { from: next, size };
  }
}

function noteIn(text: string): string | null {
  const [line = ""] = text.split("\n", 1);
  const first: unknown = line === "" ? null : JSON.parse(line);
  return isPlainObject(first) && typeof first.note === "string" ? first.note : null;
}
