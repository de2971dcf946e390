import { ServerError } from '../../error/backend.error.js';

/** Words, and nothing that an address has: a dot, a colon, a slash or an at sign within a word. */
const words = /^([\w',-]+\.?( |$))+$/;

/**
 * The error of a call that got no answer. It crosses to callers further up, and the text of a platform can have the URL of the server,
 * with its credentials: only words are repeated. The error of the platform is its cause, which never crosses.
 */
export function withoutAnswer(what: string, failure: unknown): ServerError {
  const { message, code } = Object(failure) as { message?: unknown; code?: unknown };
  const text = String(message);
  // A system call names a host beside its code.
  const isSafe = words.test(text) && !text.includes(String(code));
  const error = new ServerError(-1, `${what}: ${isSafe ? text : 'see its cause'}`);
  return Object.defineProperty(error, 'cause', { value: failure });
}
