import { generalError } from '../base/numbered.error.js';
import type { NumberedError } from '../base/numbered.error.js';
import { StreamResult } from '../stream/stream.js';
import type { StreamItems } from '../stream/stream.js';
import { itemsOf } from '../stream/stream.items.js';
import type { Activity } from './activity.js';
import type { RunInActivity } from './result.js';

/** Makes the items of a stream keep the asynchronous context of the running code. */
export type BindItems = (items: StreamItems) => StreamItems;

/** For platforms that do not track asynchronous contexts. */
export const unboundItems: BindItems = (items) => items;

/**
 * Runs a method whose result is a stream.
 *
 * @param name names the method in errors
 * @returns the stream; a symbol that a handler returns in place of a result, as it is
 * @throws (rejection) the error of the method; Error if its result is not a stream
 */
export async function streamOf(
  work: () => unknown,
  name: string,
  activity: Activity,
  run: RunInActivity,
  bindItems: BindItems,
): Promise<unknown> {
  const value = await run(activity, work);
  if (value instanceof StreamResult || typeof value === 'symbol') return value;
  const items = declaredItems(value, name);
  return new StreamResult(run(activity, () => bindItems(items)));
}

/** The items of a result that is declared as a stream. @throws Error if it is not one; `name` names the method */
export function declaredItems(value: unknown, name: string): StreamItems {
  const items = itemsOf(value);
  if (items) return items;
  throw new Error(`${name} is declared as a stream, and returned a value that is not one.`);
}

/** The error for a caller that cannot receive the stream of a method. */
export function streamRefusal(name: string): NumberedError {
  return generalError(
    `${name} answers with a stream, which this client cannot receive: call it with a client of Linnet, over HTTP or over ` +
      'the durable wire.',
  );
}
