/**
 * Who embeds this page.
 *
 * The browser fills `location.ancestorOrigins`; neither the page nor its URL can change
 * it. A missing list, an empty one (not embedded) and an opaque origin ("null") are all
 * refused: no answer is the only safe answer to an unknown page.
 */

/** The page that asks, and the outermost one around it, which WebAuthn calls `topOrigin`; often the same. */
export interface Embedders {
  readonly parentOrigin: string;
  readonly topOrigin: string;
}

/**
 * The embedders, if the parent and every ancestor above it are configured; otherwise null.
 * A configured page inside a hostile one does not count: the hostile one draws around it.
 */
export function verifiedEmbedders(
  ancestorOrigins: ArrayLike<string> | undefined,
  configuredOrigins: readonly string[],
): Embedders | null {
  const ancestors = Array.from(ancestorOrigins ?? []);
  const parentOrigin = ancestors.at(0);
  const topOrigin = ancestors.at(-1);
  if (parentOrigin === undefined || topOrigin === undefined) return null;
  return ancestors.every((origin) => configuredOrigins.includes(origin)) ? { parentOrigin, topOrigin } : null;
}
