/** Names that are never callable from outside: the members of every object, and `then`, which makes a value a promise. */
export const reservedNames: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  'then',
]);
