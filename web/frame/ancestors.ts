/**
 * Who embeds this page.
 *
 * The browser fills `location.ancestorOrigins`; neither the page nor its URL can change
 * it. A missing list, an empty one (not embedded) and an opaque origin ("null") are all
 * refused: no answer is the only safe answer to an unknown page.
 */

/**
 * The parent's origin, if it and every ancestor above it are configured; otherwise null.
 * A configured page inside a hostile one does not count: the hostile one draws around it.
 */
export function verifiedParentOrigin(
  ancestorOrigins: ArrayLike<string> | undefined,
  configuredOrigins: readonly string[],
): string | null {
  const ancestors = Array.from(ancestorOrigins ?? []);
  const [parent] = ancestors;
  return parent !== undefined && ancestors.every((origin) => configuredOrigins.includes(origin)) ? parent : null;
}
