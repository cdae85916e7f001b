/** The whole log, read in pages: no single message, and no single call into the enclave, grows with it. */

import type { AuditEntry, GetAuditLogParams, GetAuditLogResult } from "../../protocol/contract.gen";

const PAGE_LIMIT = 500;

export async function readWholeLog(
  readPage: (params: GetAuditLogParams) => Promise<GetAuditLogResult>,
): Promise<GetAuditLogResult> {
  const entries: AuditEntry[] = [];
  let next: number | null = 0;
  while (next !== null) {
    const page: GetAuditLogResult = await readPage({ from: next, limit: PAGE_LIMIT });
    entries.push(...page.entries);
    next = page.next;
  }
  return { entries, next };
}
