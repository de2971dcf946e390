import { CALL_STREAMS } from '../../base/limits.js';
import { generalError } from '../../base/numbered.error.js';
import { settle } from '../../base/settle.js';
import { stoppedHere } from '../../stream/bound.items.js';
import { leaveItems } from '../../stream/reading.js';
import { itemsOf } from '../../stream/stream.items.js';
import type { StreamItems } from '../../stream/stream.js';
import type { CallStreams } from './call.streams.js';
import type { StreamFailure } from './outgoing.stream.js';

/** The streams among the arguments of a call: the nth argument by n. */
export type CallSources = ReadonlyMap<number, unknown>;

/**
 * Sends the streams of a call.
 *
 * @param name names the call in the error of an item that cannot be sent
 * @param failed receives the reason why one of them has ended before its end
 */
export type SendSources = (name: string | undefined, failed: (why: StreamFailure) => void) => void;

/**
 * Begins to read the streams of a call.
 *
 * @param count the streams of the call, its result and its progress among them
 * @throws the error of one that cannot be read, or if they are too many; the others are left
 */
export function openSources(sources: CallSources, count: number): Map<number, StreamItems> {
  const opened = new Map<number, StreamItems>();
  try {
    if (count > CALL_STREAMS) throw generalError(`A call cannot have more than ${CALL_STREAMS} streams.`);
    for (const [slot, source] of sources) opened.set(slot, stoppedHere(itemsOf(source)!));
  } catch (error) {
    for (const items of opened.values()) leaveItems(items);
    throw error;
  }
  return opened;
}

/** Sends the streams of a call; see {@link SendSources}. */
export function sendSources(
  streams: CallStreams,
  opened: ReadonlyMap<number, StreamItems>,
  ...[name, failed]: Parameters<SendSources>
): void {
  const membersOf = (why: StreamFailure) => {
    failed(why);
    const { thrown } = why;
    return thrown instanceof Error
      ? { name: thrown.name, message: thrown.message }
      : { message: 'The stream has failed.' };
  };
  for (const [slot, items] of opened) streams.send(slot, items, { name }, membersOf);
}

/** Ends the streams of a call that is not sent. */
export function leaveSources(sources: CallSources): void {
  const ignored = () => undefined;
  for (const source of sources.values()) settle(() => itemsOf(source)?.return(), ignored, ignored);
}
