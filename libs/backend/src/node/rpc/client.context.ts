import type { RpcCallContext } from '@linnet/common';
import { ClientRequestContext } from '../../call/request.context.js';

/**
 * The context that the call being served hands on to the calls that it makes itself: its names, its end and
 * its deadline. Work that goes on after the answer hands on the names only.
 *
 * @param authorized hands on its credentials, too
 * @returns `undefined` outside of calls
 */
export function callContext(authorized: boolean): RpcCallContext | undefined {
  if (!ClientRequestContext.isActive) return undefined;
  const { activityId, sessionId, applicationId, applicationVersion, accessToken, deadline, signal } =
    ClientRequestContext.current;
  const names = { activityId, sessionId, applicationId, applicationVersion };
  return { ...names, deadline, signal, accessToken: authorized ? accessToken : '' };
}
