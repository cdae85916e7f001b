/**
 * Messages between page and enclave as lines of text for a developer's log.
 *
 * Guarantees that a line holds no secret: text is written only in fields that are listed here, and in the place of any
 * other text stands its field and its length. In the fields of credentials numbers are replaced too.
 * Does not protect a secret that the page itself passes in a listed field, such as a passphrase as `kid`.
 */

export type Direction = "page -> enclave" | "enclave -> page";

/** Fields whose text is written: names of the protocol, and identifiers that the audit log holds too. */
const WRITTEN: ReadonlySet<string> = new Set([
  "type",
  "method",
  "methods",
  "event",
  "stage",
  "code",
  "message",
  "field",
  "reason",
  "version",
  "capabilities",
  "promptMode",
  "state",
  "status",
  "op",
  "alg",
  "assurance",
  "signer",
  "signerKind",
  "via",
  "kid",
  "vapidKid",
  "leaseId",
  "eid",
  "jti",
  "enrollmentId",
  "$ref",
]);

/** Fields in which nothing but the method of the credentials is written. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  "credentials",
  "newCredentials",
  "passphrase",
  "newPassphrase",
  "prfOutput",
]);

/** A URL or a JWT, wherever it stands. */
const URL_OR_JWT = /:\/\/|eyJ/;
const MAX_CHARS = 200;
const MAX_ITEMS = 32;
const MAX_DEPTH = 12;

/** `message`: what is posted, or what came and was not checked yet. */
export function formatMessage(direction: Direction, message: unknown): string {
  return `${direction} ${JSON.stringify(withoutSecrets(message, "message", 0))}`;
}

function withoutSecrets(value: unknown, field: string, depth: number, isCredential = false): unknown {
  const isSecret = isCredential || CREDENTIALS.has(field);
  if (typeof value === "string") return textOf(value, field, isSecret);
  if (value === null || value === undefined || typeof value === "boolean") return value;
  if (typeof value === "number") return isSecret ? `[${field}, number]` : value;
  if (typeof value !== "object" || depth === MAX_DEPTH) return `[${field}, ${typeof value}]`;
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => withoutSecrets(item, field, depth + 1, isSecret));
    return value.length > MAX_ITEMS ? [...items, `[${field}, ${value.length} items]`] : items;
  }
  const members = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    members.map(([name, member]) => [nameOf(name), withoutSecrets(member, name, depth + 1, isSecret)]),
  );
}

function textOf(text: string, field: string, isSecret: boolean): string {
  const isWritten = isSecret ? field === "method" : WRITTEN.has(field);
  return isWritten && isHarmless(text) ? text : `[${nameOf(field)}, ${text.length} characters]`;
}

/** A page chooses the names of some fields itself, such as the claims of a token. */
function nameOf(field: string): string {
  return isHarmless(field) ? field : `[name, ${field.length} characters]`;
}

function isHarmless(text: string): boolean {
  return text.length <= MAX_CHARS && !URL_OR_JWT.test(text);
}
