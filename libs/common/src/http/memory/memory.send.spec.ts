import { describe, expect, it } from '@jest/globals';
import { ALREADY_ANSWERED } from '../../rpc/server/call.js';
import type { RpcCall } from '../../rpc/server/call.js';
import { createRpcClient } from '../client/create.rpc.client.js';
import { RpcInterface } from '../../rpc/definition/interface.js';
import { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import { defaultWireLimits } from '../../base/limits.js';
import { HttpRpcHandler } from '../server/handler.js';
import type { HttpSend } from '../client/send.js';
import { inMemoryHttp } from './memory.send.js';

abstract class Def extends RpcInterface {
  static readonly interfaceName = 'Def';
  static readonly interfaceVersion = '1.0.0';
  op(..._arguments: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
}

function clientOf(
  answer: (call: RpcCall) => unknown,
  uriPrefix?: string,
  through = (send: HttpSend): HttpSend => send,
) {
  const dispatcher = new RpcDispatcher({ waitingCalls: 1 });
  dispatcher.register(Def, { name: 'Impl', handlerOf: () => answer });
  const limits = { ...defaultWireLimits, bodyBytes: 100 };
  const handler = new HttpRpcHandler(dispatcher, { limits, path: '/api' });
  return createRpcClient({ send: through(inMemoryHttp(handler)), uriPrefix }).client(Def);
}

describe('inMemoryHttp', () => {
  it.each(['/api', 'http://anywhere:1/api'])('reaches the handler by the prefix %s', async (uriPrefix) => {
    const def = clientOf((call) => [call.arguments, call.transport.kind], uriPrefix);
    expect(await def.op(1, undefined, new Date(0))).toEqual([[1, null, '1970-01-01T00:00:00.000Z'], 'http']);
  });

  it('answers an unknown path, a large body and a missing id as a server does', async () => {
    await expect(clientOf(() => 1, '/elsewhere').op()).rejects.toMatchObject({ status: 404 });
    const def = clientOf(() => 1, '/api');
    await expect(def.op('x'.repeat(100))).rejects.toMatchObject({ status: 413 });
    await expect(def.with({ headers: { 'X-Correlation-Id': '' } }).op()).rejects.toMatchObject({
      status: 400,
      message: 'Error: Invalid request: Missing required activity ID.',
    });
  });

  it('copies bytes in both directions', async () => {
    const kept = Uint8Array.of(1, 2);
    const def = clientOf(({ arguments: [bytes] }) => ((bytes as Uint8Array).fill(9), kept), '/api');
    const sent = Uint8Array.of(3);
    ((await def.op(sent)) as Uint8Array).fill(8);
    expect([...kept, ...sent]).toEqual([1, 2, 3]);
  });

  it('aborts the call of the implementation when the caller aborts', async () => {
    const calls: RpcCall[] = [];
    const def = clientOf((call) => {
      calls.push(call);
      return new Promise(() => {});
    }, '/api');
    const abort = new AbortController();
    const answer = def.with({ signal: abort.signal }).op();
    while (calls.length === 0) await Promise.resolve();
    abort.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    expect(calls[0]!.activity.signal.aborted).toBe(true);
    await expect(def.with({ signal: abort.signal }).op()).rejects.toThrow('left');
    expect(calls).toHaveLength(1);
  });

  it('does not begin a call that is aborted while its body is sent', async () => {
    const calls: unknown[] = [];
    const abort = new AbortController();
    const def = clientOf(
      (call) => calls.push(call.arguments),
      '/api',
      (send) => (request) => {
        const reply = send({ ...request, body: new Response(request.body as string).body! });
        abort.abort(new Error('left'));
        return reply;
      },
    );
    await expect(def.with({ signal: abort.signal }).op('first')).rejects.toThrow('left');
    await def.op('second');
    expect(calls).toEqual([['second']]);
  });

  it('rejects if the implementation has answered by other means', async () => {
    await expect(clientOf(() => ALREADY_ANSWERED, '/api').op()).rejects.toThrow('answered by other means');
  });
});
