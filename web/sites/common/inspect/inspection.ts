/** Claims about a token or a log entry, each checked with the browser's own cryptography and nothing of the enclave. */

export interface Inspection<Subject> {
  readonly title: string;
  /** Resolves to what was found, in words; rejects with the reason where the claim does not hold. */
  inspect(subject: Subject): string | Promise<string>;
}

export interface Finding {
  readonly title: string;
  readonly outcome: "holds" | "fails" | "unsupported";
  readonly note: string;
}

/** The browser lacks what a check needs; that says nothing about the claim. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

export function require(claim: boolean, reason: string): asserts claim {
  if (!claim) throw new Error(reason);
}

export async function inspectAll<Subject>(
  inspections: readonly Inspection<Subject>[],
  subject: Subject,
): Promise<readonly Finding[]> {
  return Promise.all(inspections.map((inspection) => find(inspection, subject)));
}

async function find<Subject>({ title, inspect }: Inspection<Subject>, subject: Subject): Promise<Finding> {
  try {
    return { title, outcome: "holds", note: await inspect(subject) };
  } catch (thrown) {
    const note = thrown instanceof Error ? thrown.message : String(thrown);
    return { title, outcome: thrown instanceof UnsupportedError ? "unsupported" : "fails", note };
  }
}
