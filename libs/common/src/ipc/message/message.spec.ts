import { expect, it } from '@jest/globals';
import { IpcProtocolError, SessionNotFound } from './message.js';

it('a session that is not found has its code, and a reason by default', () => {
  const error = new SessionNotFound();
  expect(error).toBeInstanceOf(IpcProtocolError);
  expect([error.code, error.message]).toEqual([4001, 'The session is not there any more.']);
  expect(new SessionNotFound('full')).toMatchObject({ code: 4001, message: 'full' });
});
