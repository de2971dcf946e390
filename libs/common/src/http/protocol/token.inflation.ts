import { inflateToken, isSame, isToken, isTokenMismatch, routedToken } from '../../rpc/definition/token.js';
import type { RoutedToken } from '../../rpc/definition/token.js';
import { ambiguousPath, pathOf } from './url.reader.js';

/**
 * Corrects the tokens among arguments by what routes the call.
 *
 * @param token what a naming has read; otherwise the target says it
 * @returns whether an argument sent something else
 * @throws HttpError 400 where a gateway may have read only the beginning of an id
 */
export function inflateTokens(args: unknown[], token: RoutedToken | undefined, target: string): boolean {
  let routed = token;
  let mismatch = false;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (!isToken(argument)) continue;
    routed ??= routedToken(pathOf(target).split('/'));
    // The client names all of it here, too.
    if (!token && (hides(routed.iTwinId, argument.iTwinId) || hides(routed.iModelId, argument.iModelId)))
      throw ambiguousPath();
    const inflated = inflateToken(argument, routed);
    args[i] = inflated;
    mismatch ||= isTokenMismatch(argument, inflated);
  }
  return mismatch;
}

/** Whether an id of the path has an encoded slash in it, and differs from the argument. */
function hides(id: string | undefined, sent: string): boolean {
  return id !== undefined && id.includes('%2F') && !isSame(sent, id);
}
