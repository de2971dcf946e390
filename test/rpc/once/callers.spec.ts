import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createRpcServer } from '@linnet/backend/node';
import type { RpcServerOptions } from '@linnet/backend/node';
import { FetchRpcServer, memoryBackplane } from '@linnet/common';
import { createRpcService } from '@linnet/common/internal';
import { bank, Bank, BankBase, closeBanks, start } from './bank.js';

afterEach(closeBanks);

/** A user whose members are private. */
class Member {
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  get name() {
    return this.#name;
  }
}

const servers = {
  'a server of Node': (options: RpcServerOptions) => createRpcServer(options).fetch,
  'a server of the fetch standard': (options: RpcServerOptions) =>
    new FetchRpcServer(createRpcService({ ...options, once: {} })).fetch,
};

/** Pays with a cookie, which only `around` reads. @returns the answer as text */
function payer(fetch: (request: Request) => Promise<Response>) {
  return (activityId: string, name: string) =>
    fetch(
      new Request('http://localhost/t/v1/Bank-1.0.0-pay', {
        method: 'POST',
        headers: { 'X-Correlation-ID': activityId, 'Content-Type': 'text/plain', Cookie: `name=${name}` },
        body: '[5]',
      }),
    ).then((answer) => answer.text());
}

describe.each(Object.entries(servers))('a call that runs once on %s', (_name, serve) => {
  it('is refused if nothing names its caller and its activity id can be guessed', async () => {
    const pay = payer(serve({ interfaces: [[Bank, BankBase]] }));
    expect(await pay('order 5', 'ann')).toContain('Bank.pay runs once, but nothing names its caller.');
    expect(bank.runs).toBe(0);
  });

  it('runs for callers without a name whose activity id is a random UUID', async () => {
    const pay = payer(serve({ interfaces: [[Bank, BankBase]] }));
    const id = randomUUID();
    const first = await pay(id, 'ann');
    expect(first).toBe('{"run":1,"amount":5}');
    expect(await pay(id, 'ann')).toBe(first);
    expect(await pay(randomUUID(), 'bob')).toBe('{"run":2,"amount":5}');
  });

  it('is not answered for a user whose members are private, as nothing tells it from others', async () => {
    const around: RpcServerOptions['around'] = ({ activity }, next) => {
      activity.user = new Member('ann');
      return next();
    };
    const pay = payer(serve({ interfaces: [[Bank, BankBase]], around }));
    expect(await pay('order 5', 'ann')).toContain('userKey');
    expect(bank.runs).toBe(0);
  });
});

describe('the key of a user of a call that runs once', () => {
  it('names users whose members are private', async () => {
    const users = ['ann', 'ann', 'bob'].map((name) => new Member(name));
    const { fetch } = createRpcServer({
      interfaces: [[Bank, BankBase]],
      around: ({ activity }, next) => {
        activity.user = users.shift();
        return next();
      },
      once: { userKey: (user) => (user as Member).name },
    });
    const pay = payer(fetch);
    const runs = [await pay('order 5', ''), await pay('order 5', ''), await pay('order 5', '')];
    expect(runs.map((text) => (JSON.parse(text) as { run: number }).run)).toEqual([1, 1, 2]);
  });

  it('is that of IpcModule if its backplane remembers calls', async () => {
    const userKey = (user: unknown) => (user as { name: string }).name.slice(0, 3);
    const { as } = await start({}, memoryBackplane(), { userKey });
    await as('a', 'ann-1').pay(5);
    await as('a', 'anna-1').pay(5);
    await as('a', 'bob-1').pay(5);
    expect(bank.runs).toBe(2);
  });

  it('is not that of IpcModule if the options have one', async () => {
    const once = { userKey: (user: unknown) => (user as { name: string }).name };
    const { as } = await start({ once }, memoryBackplane(), { userKey: () => 'one' });
    await as('a', 'ann-1').pay(5);
    await as('a', 'bob-1').pay(5);
    expect(bank.runs).toBe(2);
  });
});
