/** Names every object has; none of them is ever callable from outside, nor what makes a value a promise. */
export const reservedNames: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  'then',
]);
