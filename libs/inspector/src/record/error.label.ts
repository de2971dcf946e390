import { shortText } from './short.text.js';

/** Names the kind of an error, without its message, which can have values of the call. Never throws. */
export function errorLabel(thrown: unknown): string {
  try {
    const { name, errorNumber, status } = Object(thrown) as Partial<Record<string, unknown>>;
    const kind = typeof name === 'string' && name !== '' ? shortText(name, 60) : 'Error';
    const number = [errorNumber, status].find((each) => Number.isInteger(each));
    return number === undefined ? kind : `${kind} ${String(number)}`;
  } catch {
    // A proxy may throw when it is read.
    return 'Error';
  }
}
