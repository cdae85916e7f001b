/** What shows when an entry is deleted: from a copy of the log that lies in the page, inspected there. */

import type { AuditEntry } from "/sdk/kms-user.js";
import { element } from "../../common/dom";
import type { AuditKeys } from "../../common/inspect/entry";
import { inspectAll } from "../../common/inspect/inspection";
import { LOG_INSPECTIONS, relink, withoutEntry } from "../../common/inspect/log";
import { entryInWords } from "../words/entries";
import { findingList, part } from "./findings";

export interface TamperReport {
  readonly number: number;
  readonly parts: readonly HTMLElement[];
}

/** `exported` is an export file's text; `wanted` the number of the entry to delete, if somebody chose one. */
export async function tamperReport(exported: string, keys: AuditKeys, wanted: string | null): Promise<TamperReport> {
  const { entries, size } = readCopy(exported);
  // Without a choice, the newest entry that has another one after it.
  const victim = entries.find(({ seqNum }) => String(seqNum) === wanted) ?? entries.at(-2);
  if (!victim) throw new Error("There are too few entries.");
  const first = entries[0]?.seqNum ?? 0;
  const inspect = (copy: readonly AuditEntry[]) => inspectAll(LOG_INSPECTIONS, { entries: copy, keys, first, size });
  const deleted = withoutEntry(entries, victim.seqNum);
  const relinked = await relink(deleted, first);
  return {
    number: victim.seqNum,
    parts: [
      part(
        `Entry ${victim.seqNum} deleted`,
        element("p", {}, `It said: ${entryInWords(victim)}.`),
        findingList(await inspect(deleted)),
      ),
      part(
        "And the rest numbered, linked and hashed anew",
        element("p", {}, "All that can be done without a key."),
        findingList(await inspect(relinked)),
      ),
    ],
  };
}

/** The entries of an export file, and how many its signed checkpoint counts (its note's second line). */
function readCopy(exported: string): { readonly entries: readonly AuditEntry[]; readonly size: number } {
  const [first = "", ...rest] = exported.trimEnd().split("\n");
  const { note }: { readonly note: string } = JSON.parse(first);
  const values = rest.map((line): object => JSON.parse(line));
  return { entries: values.filter(isEntry), size: Number(note.split("\n")[1]) };
}

function isEntry(value: object): value is AuditEntry {
  return "seqNum" in value;
}
