/** RFC 8785 for what entries and certificates of the log consist of: no number in them has a fraction. */

/** Throws TypeError for what JSON lacks, and for numbers that are no integers. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    // By UTF-16 code units, as the specification says and sort() does.
    const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(",")}}`;
  }
  const isPlain = value === null || typeof value === "boolean" || typeof value === "string";
  if (!isPlain && !Number.isSafeInteger(value)) throw new TypeError("not of the log's JSON");
  return JSON.stringify(value);
}

export function canonicalBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}
