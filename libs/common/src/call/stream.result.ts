import { generalError } from '../base/numbered.error.js';
import type { NumberedError } from '../base/numbered.error.js';
import { isThenable } from '../base/settle.js';
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
 * Runs a method whose result is a stream. Without a promise where the method makes none, because each adds measurable time to a
 * short stream.
 *
 * @param name names the method in errors
 * @returns the stream; a symbol that a handler returns in place of a result, as it is; or a promise of one of them
 * @throws the error of the method; Error if its result is not a stream
 */
export function streamOf(
  work: () => unknown,
  name: string,
  activity: Activity,
  run: RunInActivity,
  bindItems: BindItems,
): unknown {
  const stream = (value: unknown) =>
    value instanceof StreamResult || typeof value === 'symbol'
      ? value
      : new StreamResult(bindItems(declaredItems(value, name)));
  return run(activity, () => {
    const value = work();
    return isThenable(value) ? Promise.resolve(value).then(stream) : stream(value);
  });
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
