/**
 * The few questions that every guard asks of a value from another origin.
 *
 * Only own properties count: what an attacker puts on a prototype of this realm, or
 * sends as an own `__proto__`, is never read.
 */

export type Fields = Readonly<Record<string, unknown>>;

/** An object literal of this realm (structured cloning makes it one), not an array or a class instance. */
export function isPlainObject(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A plain object that has these own fields and no other. */
export function hasExactly(value: unknown, fields: readonly string[]): value is Fields {
  return hasFields(value, fields) && Object.keys(value).length === fields.length;
}

/** A plain object that has at least these own fields. */
export function hasFields(value: unknown, fields: readonly string[]): value is Fields {
  return isPlainObject(value) && fields.every((field) => Object.hasOwn(value, field));
}

export function isText(value: unknown, maxChars: number): value is string {
  return typeof value === "string" && value.length <= maxChars;
}

export function isTextOrNull(value: unknown, maxChars: number): value is string | null {
  return value === null || isText(value, maxChars);
}

/** A request ID: a non-negative safe integer, so that it survives JSON and compares exactly. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isDurationOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === "number" && Number.isFinite(value) && value >= 0);
}

export function isTextList(value: unknown, maxItems: number, maxChars: number): value is readonly string[] {
  return Array.isArray(value) && value.length <= maxItems && value.every((item) => isText(item, maxChars));
}
