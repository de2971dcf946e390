import { NoRespondersError, RequestError } from '@nats-io/transport-node';
import { BackplaneError } from '@linnet/common';

/** The failure of a backplane that an error of NATS is. */
export function failureOf(error: unknown): BackplaneError {
  if (error instanceof BackplaneError) return error;
  const { message, cause } = error as Error;
  if (
    error instanceof NoRespondersError ||
    (error instanceof RequestError && cause instanceof NoRespondersError)
  )
    return new BackplaneError('absent', 'The node does not exist.');
  return new BackplaneError('unreachable', `NATS has not confirmed: ${message}`);
}
