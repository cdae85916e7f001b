/** What the pages need of the DOM. Text only ever becomes text nodes. */

type Child = Node | string;

/** The element of that ID in the page's HTML. Throws where the HTML and the script disagree. */
export function byId<Type extends Element>(id: string, type: abstract new () => Type): Type {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A list of terms, such as the facts about a lease. */
export function terms(rows: readonly (readonly [string, Child])[]): readonly HTMLElement[] {
  return rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
}
