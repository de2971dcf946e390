/** Makes a unique id. Pages over plain HTTP do not have `crypto.randomUUID`, except on localhost. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) =>
    part.toString(16).padStart(8, '0'),
  ).join('-');
}
