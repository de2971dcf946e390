import { GENERAL_ERROR } from '../../base/numbered.error.js';
import { sendMembers } from '../../error/sendable.members.js';
import type { IpcServerLink } from '../message/link.js';
import { prepareResponse, prepareStreamEnd } from '../message/outgoing.message.js';
import type { ServedStreams } from './served.streams.js';

/** A call that was received and not answered. */
export interface OpenCall {
  readonly request: number;
  readonly channel: string;
  /** Whether items of its result were sent. */
  readonly isStream: boolean;
}

/** A call of this node that was not answered. */
export interface UnansweredCall extends OpenCall {
  /** Whether it may not end as long as the frontend is away: its result is a stream, or it waits for an item of its arguments. */
  readonly isEndless: boolean;
}

/**
 * The calls that are not answered.
 *
 * @param running their numbers, and those that wait
 * @param streams knows the calls whose results have begun, and those that wait for items
 */
export function openCalls(
  running: Iterable<number>,
  waiting: Iterable<number>,
  streams: ServedStreams | undefined,
): UnansweredCall[] {
  const requests = new Set([...running, ...waiting]);
  return Array.from(requests, (request) => {
    const isStream = streams?.isSending(request) ?? false;
    const isEndless = isStream || (streams?.isStarved(request) ?? false);
    return { request, channel: '', isStream, isEndless };
  });
}

/** Answers a call with the members of an error. */
export function sendError(
  link: Pick<IpcServerLink, 'send'>,
  channel: string,
  request: number,
  value: unknown,
): void {
  sendMembers(value, (members) => void link.send(prepareResponse(channel, request, members, 'error')));
}

/** Answers calls of the node that had the session before: nobody knows what has become of them. */
export function answerUnknown(link: IpcServerLink, calls: readonly OpenCall[]): void {
  const message = 'The node that had the call has ended. The call may have run.';
  const error = { errorNumber: GENERAL_ERROR, name: 'OutcomeUnknownError', message };
  for (const { request, channel, isStream } of calls) {
    if (isStream) link.items?.send(prepareStreamEnd(request, 0, error));
    else sendError(link, channel, request, error);
  }
}
