import { shortText } from '../record/short.text.js';

const LENGTH = 100;
const NO_NAME = '(has no name)';
/** Members that name a user, the best one first. No member with a token is among them. */
const MEMBERS = ['name', 'username', 'preferred_username', 'email', 'sub', 'id'];

/** A short text for a user; `''` without one. Never throws. */
export function userText(user: unknown, nameOf: (user: unknown) => string = defaultName): string {
  try {
    return user === undefined ? '' : shortText(nameOf(user), LENGTH);
  } catch {
    return '(cannot be read)';
  }
}

function defaultName(user: unknown): string {
  // A text may be the token that the user has sent.
  if (typeof user === 'number') return String(user);
  if (typeof user !== 'object' || user === null) return NO_NAME;
  for (const member of MEMBERS) {
    const value = (user as Record<string, unknown>)[member];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return NO_NAME;
}
