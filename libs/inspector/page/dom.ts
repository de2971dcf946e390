/** The element with an id. @throws Error if the page has no element of this kind with the id */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`The page has no ${kind.name} "${id}".`);
}

/** Makes an element. Content that is text is never read as HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

/** Changes a text only if it is another one, because the browser computes the layout again for each change. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A button that looks like a link. */
export function link(text: string, follow: () => void): HTMLButtonElement {
  return make('button', { type: 'button', className: 'link', onclick: follow }, text);
}

/** A field for a search. @param label names the field for screen readers */
export function searchField(placeholder: string, label: string): HTMLInputElement {
  const field = make('input', { type: 'search', placeholder, maxLength: 200 });
  field.setAttribute('aria-label', label);
  return field;
}
