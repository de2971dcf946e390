import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRpcClient } from '@linnet/common';
import type { RpcProxy } from '@linnet/common';
import { rowsOf, WHOLE_ADAPTER } from '../../conformance/tables/columns.js';
import { errors } from '../../conformance/tables/errors.js';
import { Guarantees, GuaranteesModule, last } from '../../conformance/tables/guarantees.fixture.js';
import { failures } from '../../conformance/tables/hostile.fixture.js';
import { argumentOf, expectedOf, refused, refusedOverRpc, values } from '../../conformance/tables/values.js';
import { NATS, open, ways } from './ways.js';
import type { Way } from './ways.js';

// Promises about values and errors, with our client and our server.

describe.each(ways)('RPC over %s:', (name) => {
  const isWhole = [WHOLE_ADAPTER, NATS].includes(name);
  let way: Way;
  let calls: RpcProxy<Guarantees>;
  beforeAll(async () => {
    way = await open(GuaranteesModule, name);
    calls = createRpcClient({ ...way.at, retry: { limit: 0 } }).client(Guarantees);
  });
  afterAll(() => way.stop());

  it.each(rowsOf('values', values, isWhole))('$name reaches the client', async (each) => {
    expect(await calls.value(each.name)).toStrictEqual(expectedOf(each));
  });

  it.each(rowsOf('values', values, isWhole))('$name reaches the server, and comes back', async (each) => {
    last.received = 'nothing came';
    const back = await calls.echo(each.name, each.value);
    expect(last.received).toStrictEqual(argumentOf(each));
    expect(back).toStrictEqual(argumentOf(each));
  });

  it.each(rowsOf('values that RPC refuses', [...refused, ...refusedOverRpc], isWhole))(
    '$name is refused by its sender, with its place in the arguments',
    async ({ name, value, message }) => {
      await expect(calls.value(name)).rejects.toMatchObject({
        errorNumber: 32768,
        message: expect.stringContaining(`value: The value cannot be sent: ${message}`),
      });
      last.received = 'nothing came';
      await expect(calls.echo(name, value)).rejects.toMatchObject({
        errorNumber: 32768,
        message: expect.stringContaining(
          `Guarantees.echo: The value cannot be sent: ${message.replace('value', 'value[1]')}`,
        ),
      });
      expect(last.received).toBe('nothing came');
    },
  );

  it.each(rowsOf('errors', errors, isWhole))(
    '$name arrives with all its members',
    async ({ name, status, body }) => {
      const error = await calls
        .with({ activityId: 'errors' })
        .fail(name)
        .catch((error: unknown) => error);
      const { isError: _, ...members } = body;
      expect(error).toBeInstanceOf(Error);
      // A client gives an error whose wire name is only its number the name of its class.
      if (/^Error \(\d+\)$/.test(String(members['name']))) members['name'] = 'NumberedError';
      expect(error).toMatchObject({ errorNumber: 32768, ...members });
      expect((error as { status: unknown }).status).toBe(status);
      // Another thrown value is made an error by the server, or here.
      expect((error as Error).message).toEqual(body['message'] ?? `The server answered ${status}.`);
    },
  );

  it.each(Object.keys(failures))(
    '%s that an implementation throws rejects its call, and disturbs no other',
    async (name) => {
      const [failed, other] = await Promise.allSettled([calls.failAnyhow(name), calls.echo('', 1)]);
      expect(failed).toMatchObject({ status: 'rejected', reason: expect.any(Error) });
      expect(other).toEqual({ status: 'fulfilled', value: 1 });
    },
  );

  it('client and implementation share no objects', async () => {
    const sent = { bytes: Uint8Array.of(1, 2), list: [1] };
    const back = (await calls.echo('mutation', sent)) as typeof sent;
    const received = last.received as typeof sent;
    back.bytes[0] = 9;
    received.list.push(2);
    received.bytes[1] = 9;
    expect(sent).toEqual({ bytes: Uint8Array.of(1, 2), list: [1] });
    expect(back).toEqual({ bytes: Uint8Array.of(9, 2), list: [1] });
    const alone = Uint8Array.of(1);
    const one = (await calls.echo('one', alone)) as Uint8Array;
    one[0] = 2;
    expect([alone[0], (last.received as Uint8Array)[0]]).toEqual([1, 1]);
  });
});
