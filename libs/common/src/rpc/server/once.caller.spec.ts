import { describe, expect, it } from '@jest/globals';
import { Activity } from '../../call/activity.js';
import { newId } from '../../base/random.id.js';
import type { RpcCall } from './call.js';
import { onceCaller } from './once.caller.js';

function call(user?: unknown, accessToken = '', activityId = 'order 5'): RpcCall {
  const activity = new Activity({ accessToken, activityId });
  activity.user = user;
  const target = { definition: { interfaceName: 'Bank' }, operation: 'pay' };
  return { target, activity, arguments: [] } as unknown as RpcCall;
}

class Hidden {
  readonly #id: string;
  constructor(id: string) {
    this.#id = id;
  }
  get id() {
    return this.#id;
  }
}

describe('the caller of a call that runs once', () => {
  it.each<[string, unknown, unknown]>([
    ['equal users', { id: 1 }, { id: 1 }],
    ['one subject with a renewed token', { sub: 'ann', iat: 1, jti: 'x' }, { sub: 'ann', iat: 2, jti: 'y' }],
  ])('is the same for %s, whatever the tokens', (_who, a, b) => {
    expect(onceCaller(call(a, 'one'))).toBe(onceCaller(call(b, 'two')));
  });

  it.each<[string, unknown, unknown]>([
    ['two users', { id: 1 }, { id: 2 }],
    ['users without a subject that differ in claims', { sid: 'a' }, { sid: 'b' }],
    [
      'members of a user with the name of a claim',
      { sub: 'x', of: { sid: 1 } },
      { sub: 'x', of: { sid: 2 } },
    ],
    ['a user and a token of its name', 'ann', undefined],
  ])('differs for %s', (_who, a, b) => {
    expect(onceCaller(call(a, 'ann'))).not.toBe(onceCaller(call(b, 'ann')));
  });

  const unnamed: [string, unknown][] = [
    ['none', undefined],
    ['one with private members only', new Hidden('ann')],
    ['a mere "yes"', true],
    ['an empty text', ''],
    ['a function', () => undefined],
    ['a number without JSON', { id: 1n }],
  ];

  it.each(unnamed)('is the access token if the user is %s', (_what, user) => {
    expect(onceCaller(call(user, 'one'))).toBe(onceCaller(call(undefined, 'one')));
    expect(onceCaller(call(user, 'one'))).not.toBe(onceCaller(call(user, 'two')));
  });

  it.each(unnamed)(
    'is refused without a token if the user is %s and the id can be guessed',
    (_what, user) => {
      for (const id of ['order 5', '00000000-0000-0000-0000-000000000005'])
        expect(() => onceCaller(call(user, '', id))).toThrow(
          'Bank.pay runs once, but nothing names its caller.',
        );
      expect(onceCaller(call(user, '', newId()))).toBe('anonymous');
    },
  );

  it('is the key that the application returns for a user, unless it is empty', () => {
    const key = (user: unknown) => (user as Hidden).id;
    expect(onceCaller(call(new Hidden('ann')), key)).toBe('user ann');
    expect(() => onceCaller(call(new Hidden('')), key)).toThrow('userKey');
  });
});
