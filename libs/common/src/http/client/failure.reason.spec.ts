import { describe, expect, it } from '@jest/globals';
import { withoutAnswer } from './failure.reason.js';

const coded = (message: string, code: string) => Object.assign(new Error(message), { code });

describe('the error of a call without an answer', () => {
  it.each<[string, unknown, string]>([
    ['a sentence', new Error('Failed to fetch'), 'Failed to fetch'],
    [
      'a sentence with a dot',
      new TypeError('NetworkError when attempting to fetch resource.'),
      'NetworkError when attempting to fetch resource.',
    ],
    ['a sentence beside a code', coded('socket hang up', 'ECONNRESET'), 'socket hang up'],
  ])('has %s', (_what, failure, reason) => {
    expect(withoutAnswer('No answer', failure)).toMatchObject({
      status: -1,
      message: `No answer: ${reason}`,
    });
  });

  it.each<[string, unknown]>([
    ['a URL', new TypeError('Failed to parse URL from http://desk:secret@10.0.0.7/')],
    ['an address', coded('connect ECONNREFUSED 10.0.0.7:5432', 'ECONNREFUSED')],
    ['an IPv6 address', new Error('no route to fd00::7')],
    ['a host', coded('getaddrinfo ENOTFOUND vault', 'ENOTFOUND')],
    ['a domain', new Error('unable to reach vault.internal')],
    ['no text', 'http://10.0.0.7'],
  ])('does not have %s', (_what, failure) => {
    const error = withoutAnswer('No answer', failure);
    expect(error.message).toBe('No answer: see its cause');
    expect(error.cause).toBe(failure);
    expect(Object.keys(error)).not.toContain('cause');
  });
});
