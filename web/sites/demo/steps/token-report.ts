/** A token laid open: the text, what it says, whether that holds, and its entry in the log. */

import type { AuditEntry, Endpoint, IssuedToken } from "/sdk/kms-user.js";
import { element } from "../../common/dom";
import { auditKeysOf, ENTRY_INSPECTIONS } from "../../common/inspect/entry";
import { inspectAll } from "../../common/inspect/inspection";
import { type JsonObject, parseToken, TOKEN_INSPECTIONS } from "../../common/inspect/token";
import { claimMeaning } from "../words/claims";
import { entryInWords, signerInWords } from "../words/entries";
import { formatTime } from "../words/times";
import { findingList, part } from "./findings";

export async function tokenReport(
  { jwt, vapidPublicKey, auditEntry }: IssuedToken,
  { aud, eid }: Endpoint,
  log: readonly AuditEntry[],
): Promise<readonly HTMLElement[]> {
  const token = parseToken(jwt);
  const subject = { token, publicKey: vapidPublicKey, aud, eid };
  const entrySubject = { entry: auditEntry, keys: auditKeysOf(log) };
  const [tokenFindings, entryFindings] = await Promise.all([
    inspectAll(TOKEN_INSPECTIONS, subject),
    inspectAll(ENTRY_INSPECTIONS, entrySubject),
  ]);
  return [
    part("Checked in this page, with the browser’s own WebCrypto", findingList(tokenFindings)),
    part("What it says", claimsTable(token.header), claimsTable(token.claims)),
    part("The token", compact(jwt)),
    part(`Its entry in the log, number ${auditEntry.seqNum}`, ...entryPart(auditEntry), findingList(entryFindings)),
  ];
}

function claimsTable(values: JsonObject): HTMLElement {
  const rows = Object.entries(values).map(([name, value]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", {}, String(value)),
      element("td", { class: "meaning" }, claimMeaning(name, value)),
    ),
  );
  return element("table", { class: "claims-table" }, element("tbody", {}, ...rows));
}

function compact(jwt: string): HTMLElement {
  const [header = "", claims = "", signature = ""] = jwt.split(".");
  return element(
    "p",
    { class: "compact" },
    element("span", { class: "header" }, header),
    ".",
    element("span", { class: "claims" }, claims),
    ".",
    element("span", { class: "signature" }, signature),
  );
}

function entryPart(entry: AuditEntry): readonly HTMLElement[] {
  const words = `${entryInWords(entry)}. Written ${formatTime(entry.timestamp)}, signed by ${signerInWords(entry.signer)}.`;
  const raw = element("pre", { class: "raw" }, JSON.stringify(entry, null, 2));
  return [element("p", {}, words), element("details", {}, element("summary", {}, "The entry as it is stored"), raw)];
}
