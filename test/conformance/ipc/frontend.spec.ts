import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IpcFrontend } from '@linnet/frontend';
import { rowsOf } from '../tables/columns.js';
import { envelopeError, errors } from '../tables/errors.js';
import { pattern } from '../tables/fixture.js';
import { FrontendModule } from './frontend.fixture.js';
import { frontendWays } from './frontend.ways.js';
import { last, rpcRequest } from '../tables/guarantees.fixture.js';
import { failures } from '../tables/hostile.fixture.js';
import { startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { argumentOf, expectedOf, refused, values } from '../tables/values.js';
import { kinds } from '../../ipc/wire/raw.frontend.js';

/** Both give the envelope of the answer. */
const calls: Record<string, (frontend: IpcFrontend, method: string, ...args: unknown[]) => Promise<unknown>> =
  {
    'a channel': (frontend, method, ...args) => frontend.invoke('guarantees', method, ...args),
    'RPC over IPC': (frontend, operation, ...parameters) =>
      frontend.invoke('itwinjs-core/rpc-over-ipc', 'request', rpcRequest(operation, parameters)),
  };
const combinations = frontendWays.flatMap((way) => Object.keys(calls).map((by) => ({ way, by })));

describe.each(combinations)('our own frontend over $way.name, by $by', ({ way, by }) => {
  const { isWhole } = way;
  let server: TestServer;
  let frontend: IpcFrontend;
  const call = (method: string, ...args: unknown[]) => calls[by]!(frontend, method, ...args);
  beforeAll(async () => {
    server = await startServer(FrontendModule, way.adapter);
    frontend = await way.open(server);
    await frontend.ready;
  });
  afterAll(async () => {
    frontend.close();
    await server.stop();
  });

  it.each(rowsOf('values', values, isWhole))('receives the value "$name"', async (each) => {
    const expected = expectedOf(each);
    expect(await call('value', each.name)).toStrictEqual(expected === undefined ? {} : { result: expected });
  });

  it.each(rowsOf('values', values, isWhole))('sends the value "$name" and gets it back', async (each) => {
    last.received = 'nothing came';
    const back = await call('echo', each.name, each.value);
    expect(last.received).toStrictEqual(argumentOf(each));
    expect(back).toStrictEqual({ result: argumentOf(each) });
  });

  it.each(rowsOf('refused values', refused, isWhole))(
    'refuses the value "$name" on both sides',
    async ({ name, value, message }) => {
      const said = expect.stringContaining('The value cannot be sent: ');
      expect(await call('value', name)).toEqual({
        error: expect.objectContaining({
          message: expect.stringContaining(`The value cannot be sent: ${message}`),
        }),
      });
      await expect(call('echo', name, value)).rejects.toMatchObject({ message: said });
    },
  );

  it.each(rowsOf('errors', errors, isWhole))('receives the error "$name" as promised', async (each) => {
    const activityId = by === 'a channel' ? expect.stringMatching(/^[\da-f-]{36}$/) : 'errors';
    expect(await call('fail', each.name)).toStrictEqual({ error: envelopeError(each, activityId) });
  });

  it.each(rowsOf('failures', Object.keys(failures), isWhole))(
    'gets an error for a thrown value (%s), which harms no other call',
    async (name) => {
      const [{ error }, other] = (await Promise.all([call('failAnyhow', name), call('echo', '', 1)])) as [
        { error?: unknown },
        unknown,
      ];
      expect(error).toBeDefined();
      expect(other).toEqual({ result: 1 });
    },
  );

  it.each(rowsOf('kinds of bytes', kinds, isWhole).map((Kind) => [Kind.name, Kind] as const))(
    'sends and receives %s of any size',
    async (_name, Kind) => {
      for (const length of [0, 16, 4096, 70_000]) {
        const view = new Kind(pattern(length, 3).buffer);
        const { result } = (await call('echo', '', [{ view }, view])) as { result: any };
        for (const back of [result[0].view, result[1], (last.received as any)[1]]) {
          expect(back.constructor.name).toBe(Kind.name);
          expect(Buffer.from(back.buffer, back.byteOffset, back.byteLength).equals(pattern(length, 3))).toBe(
            true,
          );
        }
      }
    },
  );

  it('shares no objects with the backend', async () => {
    const sent = { bytes: Uint8Array.of(1, 2), list: [1] };
    const { result: back } = (await call('echo', '', sent)) as { result: typeof sent };
    const received = last.received as typeof sent;
    back.bytes[0] = 9;
    received.list.push(2);
    received.bytes[1] = 9;
    expect(sent).toEqual({ bytes: Uint8Array.of(1, 2), list: [1] });
    expect(back).toEqual({ bytes: Uint8Array.of(9, 2), list: [1] });
  });
});
