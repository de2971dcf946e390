import type { Msg } from '@nats-io/transport-node';

/**
 * The callback of a subscription. A message that cannot be read is dropped: its headers are read when they are used, and throw if
 * they are malformed. A connection whose callback throws reads nothing more.
 *
 * @param failed receives an error of the subscription, which the connection reports as well
 */
export function receiving(receive: (message: Msg) => void, failed?: (error: Error) => void) {
  return (error: Error | null, message: Msg): void => {
    if (error) {
      failed?.(error);
      return;
    }
    try {
      receive(message);
    } catch {
      // Nobody can be told.
    }
  };
}
