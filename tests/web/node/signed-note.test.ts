/** The page's own verification of checkpoints, which others' code has signed. */

import { describe, expect, test } from "vitest";
import { NoteError, verifyCheckpoint } from "../../../web/sdk/log/signed-note";
import { bytesOf, readOracle } from "./oracle";

interface Notes {
  readonly key: string;
  readonly note: string;
  readonly ofExports: readonly { readonly note: string; readonly key: string }[];
  readonly withAnotherCharacter: readonly string[];
  readonly ofAnotherForm: readonly string[];
}

const NOTES = readOracle("notes") as Notes;

/** Anything but a finding is thrown. */
async function verifies(note: string, key: string): Promise<boolean> {
  try {
    await verifyCheckpoint(note, bytesOf(key));
    return true;
  } catch (thrown) {
    if (thrown instanceof NoteError) return false;
    throw thrown;
  }
}

async function accepted(notes: readonly string[]): Promise<readonly string[]> {
  expect(notes.length).toBeGreaterThan(0);
  const verdicts = await Promise.all(notes.map((note) => verifies(note, NOTES.key)));
  return notes.filter((_, at) => verdicts[at]);
}

test("a note that others have made verifies, and says what it says", async () => {
  const checkpoint = await verifyCheckpoint(NOTES.note, bytesOf(NOTES.key));
  const root = Uint8Array.from({ length: 32 }, (_, at) => at);
  expect(checkpoint).toEqual({ origin: "kms.example:8501/3f0e8a52", size: 20852163, root });
});

test("the notes of the export vectors verify", async () => {
  expect(NOTES.ofExports).toHaveLength(2);
  for (const { note, key } of NOTES.ofExports) expect(await verifies(note, key)).toBe(true);
});

test("no note with another character verifies", async () => {
  expect(await accepted(NOTES.withAnotherCharacter)).toEqual([]);
});

test("what is no checkpoint with one signature is refused", async () => {
  expect(await accepted(NOTES.ofAnotherForm)).toEqual([]);
});

describe("what is no key verifies nothing", () => {
  test.each(["", "00", "00".repeat(31), "00".repeat(33)])("%s", async (key) => {
    expect(await verifies(NOTES.note, key)).toBe(false);
  });
});
