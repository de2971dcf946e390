import { GENERAL_ERROR } from '../base/numbered.error.js';
import { primitiveMembers } from './error.members.js';

/**
 * Sends an error to a caller, who must get one in any case.
 *
 * @param send throws if a member of the error cannot be sent, or is too large
 */
export function sendMembers(error: unknown, send: (error: unknown) => void): void {
  try {
    send(error);
  } catch {
    // Message and number are worth more than the member.
    try {
      send(primitiveMembers(Object(error) as object));
    } catch {
      send({
        message: 'The error is too large to be sent.',
        errorNumber: GENERAL_ERROR,
        isError: true,
        name: 'Error',
      });
    }
  }
}
