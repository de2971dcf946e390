/** Makes an id that no other has. `crypto.randomUUID` is not there for a page on plain http, under any name but localhost. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) =>
    part.toString(16).padStart(8, '0'),
  ).join('-');
}
