import { GENERAL_ERROR, NumberedError } from '../../base/numbered.error.js';
import type { RpcCall } from './call.js';

/** Claims that differ in every token of one user (RFC 7519, OpenID Connect). */
export const volatileClaims: ReadonlySet<string> = new Set([
  'iat',
  'exp',
  'nbf',
  'jti',
  'auth_time',
  'at_hash',
  'nonce',
  'sid',
]);
/** JSON that tells no user from others. */
const emptyTexts = new Set(['{}', '[]', '""', 'true', 'false', 'null']);
/** A random UUID (RFC 9562, versions 4 and 7), which nobody guesses. */
const randomUuid = /^[\da-f]{8}-[\da-f]{4}-[47][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/**
 * Names the caller of a call that runs once: the user, or else the access token. Callers with neither have one name, if the activity id is
 * a random UUID: nobody else has it.
 *
 * @param userKey names a user. Default: the user as JSON
 * @throws NumberedError if the call could get the answer of another caller
 */
export function onceCaller({ target, activity }: RpcCall, userKey?: (user: unknown) => string): string {
  const { user, accessToken, activityId } = activity;
  const name = user === undefined || user === null ? undefined : (userKey?.(user) ?? textOf(user));
  if (name) return `user ${name}`;
  if (accessToken !== '') return `token ${accessToken}`;
  if (randomUuid.test(activityId)) return 'anonymous';
  throw new NumberedError(
    GENERAL_ERROR,
    'Error',
    `${target.definition.interfaceName}.${target.operation} runs once, but nothing names its caller. Set a user (with userKey if it is not JSON) or an access token, or make the activity id a random UUID.`,
  );
}

/** A user as JSON; `undefined` if JSON has nothing of it. */
function textOf(user: unknown): string | undefined {
  try {
    const text = JSON.stringify(lasting(user)) as string | undefined;
    return text === undefined || emptyTexts.has(text) ? undefined : text;
  } catch {
    // It has a cycle, or a number that JSON does not have.
    return undefined;
  }
}

/** The claims of a token that are the same in a renewed one. A user without a subject is left as it is. */
function lasting(user: unknown): unknown {
  const { sub } = user as { sub?: unknown };
  if (typeof user !== 'object' || typeof sub !== 'string' || sub === '') return user;
  return Object.fromEntries(Object.entries(user as object).filter(([claim]) => !volatileClaims.has(claim)));
}
