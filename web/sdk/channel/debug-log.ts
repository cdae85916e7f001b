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
const MAX_VALUES = 4_096;

interface Place {
  readonly field: string;
  readonly depth: number;
  /** Within credentials. */
  readonly isSecret: boolean;
  /** How many more values of the message are written: a small message can refer to one list many times. */
  readonly budget: { left: number };
}

/** `message`: what is posted, or what came and was not checked yet. */
export function formatMessage(direction: Direction, message: unknown): string {
  const place = { field: "message", depth: 0, isSecret: false, budget: { left: MAX_VALUES } };
  return `${direction} ${JSON.stringify(withoutSecrets(message, place))}`;
}

function withoutSecrets(value: unknown, place: Place): unknown {
  const { field, depth, isSecret, budget } = place;
  budget.left -= 1;
  if (typeof value === "string") return textOf(value, place);
  if (value === null || value === undefined || typeof value === "boolean") return value;
  if (typeof value === "number" && !isSecret) return value;
  if (typeof value !== "object" || depth === MAX_DEPTH || budget.left < 0) return replaced(field, typeof value);
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => withoutSecrets(item, { ...place, depth: depth + 1 }));
    return value.length > MAX_ITEMS ? [...items, replaced(field, `${value.length} items`)] : items;
  }
  const members = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    members.map(([name, member]) => [nameOf(name), withoutSecrets(member, memberPlace(name, place))]),
  );
}

function memberPlace(field: string, { depth, isSecret, budget }: Place): Place {
  return { field, depth: depth + 1, isSecret: isSecret || CREDENTIALS.has(field), budget };
}

function textOf(text: string, { field, isSecret }: Place): string {
  const isWritten = isSecret ? field === "method" : WRITTEN.has(field);
  return isWritten && isHarmless(text) ? text : replaced(field, `${text.length} characters`);
}

function replaced(field: string, what: string): string {
  return `[${nameOf(field)}, ${what}]`;
}

/** A page chooses the names of some fields itself, such as the claims of a token. */
function nameOf(field: string): string {
  return isHarmless(field) ? field : `[name, ${field.length} characters]`;
}

function isHarmless(text: string): boolean {
  return text.length <= MAX_CHARS && !URL_OR_JWT.test(text);
}
