import { settle } from '../../base/settle.js';
import { leaveItems } from '../../stream/reading.js';
import { itemsOf } from '../../stream/stream.items.js';
import type { StreamItems } from '../../stream/stream.js';

/** The streams among the arguments of a call: the nth argument by n. */
export type CallSources = ReadonlyMap<number, unknown>;

/** Begins to read the streams of a call. @throws the error of one that cannot be read; the others are left */
export function openSources(sources: CallSources): Map<number, StreamItems> {
  const opened = new Map<number, StreamItems>();
  try {
    for (const [slot, source] of sources) opened.set(slot, itemsOf(source)!);
  } catch (error) {
    for (const items of opened.values()) leaveItems(items);
    throw error;
  }
  return opened;
}

/** Ends the streams of a call that is not sent. */
export function leaveSources(sources: CallSources): void {
  const ignored = () => undefined;
  for (const source of sources.values()) settle(() => itemsOf(source)?.return(), ignored, ignored);
}
