import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { IModelError, IpcChannel, NoContentError, RpcInterface } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient, IpcFrontend, rpcOverIpc, webSocketIpc } from '@linnet/frontend';
import type { RpcClientOptions } from '@linnet/frontend';
import { listen } from '../../plain/plain.servers.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';

// An application that does not use iTwin.js reads no bare number and no constant of iTwin.js in place of a name. The
// wire keeps both: the body of the raw requests below is what a client of iTwin.js reads.

abstract class Shelf extends RpcInterface {
  static readonly interfaceName = 'Shelf';
  static interfaceVersion = '1.0.0';
  async empty(): Promise<void> {
    return this.forward(arguments);
  }
  async fail(_errorNumber: number): Promise<void> {
    return this.forward(arguments);
  }
}

class NewerShelf extends Shelf {
  static override interfaceVersion = '2.0.0';
}

class ShelfBase {
  async empty(): Promise<void> {
    throw new NoContentError();
  }
  async fail(errorNumber: number): Promise<void> {
    throw new IModelError(errorNumber, 'The shelf is locked.');
  }
}

@RpcInterface(Shelf)
class ShelfImpl extends ShelfBase {}

@IpcChannel('shelf-v1')
class ShelfHandler extends ShelfBase {}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await closeIpcApps();
});

const providers = [ShelfImpl, ShelfHandler];

async function connect(port: number): Promise<IpcFrontend> {
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`), { reconnect: false });
  ends.push(() => frontend.close());
  await frontend.ready;
  return frontend;
}

async function plainServer(): Promise<string> {
  const rpc = createRpcServer({ interfaces: [[Shelf, ShelfBase]], report: () => undefined });
  const server = await listen(createServer(rpc.handler));
  ends.push(() => server.stop());
  return server.url;
}

const transports: Record<string, () => Promise<RpcClientOptions>> = {
  'HTTP to a Nest application': async () => {
    const { port } = await startIpcApp({ rpc: {}, providers });
    return { uriPrefix: `http://127.0.0.1:${port}` };
  },
  'HTTP to a plain server': async () => ({ uriPrefix: await plainServer() }),
  IPC: async () => {
    const { port } = await startIpcApp({ rpc: {}, providers });
    return { transport: rpcOverIpc(await connect(port)) };
  },
};

describe.each(Object.entries(transports))('an RPC client over %s', (_transport, options) => {
  const shelf = async () => createRpcClient(await options()).client(Shelf);

  it('names an answer without content', async () => {
    const error = await (await shelf()).empty().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ errorNumber: 65604, name: 'NoContentError', message: 'No Content' });
    expect(String(error)).toBe('NoContentError: No Content');
  });

  it('names an error that has only a number', async () => {
    const message = 'The shelf is locked.';
    const { fail } = await shelf();
    await expect(fail(7001)).rejects.toMatchObject({ errorNumber: 7001, name: 'NumberedError', message });
    await expect(fail(65608)).rejects.toMatchObject({ name: 'AbortedError', message });
    await expect(fail(65574)).rejects.toMatchObject({ name: 'Not Found', message });
  });

  it('names an error of a version that does not match', async () => {
    const call = createRpcClient(await options())
      .client(NewerShelf)
      .empty();
    await expect(call).rejects.toMatchObject({
      name: 'IncompatibleVersionError',
      message: expect.stringMatching(/version 1\.0\.0 does not match .* 2\.0\.0 .* empty\./),
    });
  });
});

describe('an IPC frontend', () => {
  it('names the errors of a channel and of a method that do not exist', async () => {
    const { port } = await startIpcApp({ rpc: {}, providers });
    const frontend = await connect(port);
    await expect(frontend.callIpcChannel('nothing-v1', 'go')).rejects.toMatchObject({
      name: 'NotFoundError',
      message: 'No handler is registered for channel: nothing-v1',
    });
    await expect(frontend.callIpcChannel('shelf-v1', 'go')).rejects.toMatchObject({
      name: 'NotFoundError',
      message: expect.stringContaining('"ShelfHandler.go" not found'),
    });
    await expect(frontend.callIpcChannel('shelf-v1', 'fail', 7001)).rejects.toMatchObject({
      name: 'NumberedError',
    });
  });

  it('causes errors and log lines that name the channel without its prefix', async () => {
    const app = await startIpcApp({ ipc: { invokeTimeoutMs: 20 }, providers });
    const { raw } = await app.connect();
    const session = await app.session();
    await expect(session.invoke('view')).rejects.toThrow('The frontend did not answer on "view"');
    expect(() => app.host.handle('shelf-v1', () => 1)).toThrow('Two handlers of the IPC channel "shelf-v1".');
    app.host.addListener('notes', () => undefined);
    // A member `__proto__` is refused.
    raw.send('itwin.notes', JSON.parse('{"__proto__":1}'));
    const warned = () => app.log.find('warn', 'A message of channel "notes" was ignored');
    await until(() => warned().length > 0);
  });
});

describe('the wire of RPC', () => {
  it('keeps the names that clients of iTwin.js read', async () => {
    const { port } = await startIpcApp({ rpc: {}, providers });
    const response = await fetch(`http://127.0.0.1:${port}/Shelf-1.0.0-fail`, {
      method: 'POST',
      headers: { 'X-Correlation-ID': 'a', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' },
      body: '[7001]',
    });
    const body = { errorNumber: 7001, name: 'Error (7001)', message: 'The shelf is locked.', isError: true };
    expect(await response.json()).toEqual(body);
    const answer = await (await connect(port)).invoke('shelf-v1', 'fail', 7001);
    expect(answer).toMatchObject({
      error: { name: 'Error (7001)', iTwinErrorId: { scope: 'bentley-error', key: 'Error (7001)' } },
    });
  });

  it('has the same name if a server passes on the error of another', async () => {
    const inner = createRpcClient({ uriPrefix: await plainServer() }).client(Shelf);
    const passing = { empty: () => inner.empty(), fail: (errorNumber: number) => inner.fail(errorNumber) };
    const rpc = createRpcServer({ interfaces: [[Shelf, passing]], report: () => undefined });
    const server = await listen(createServer(rpc.handler));
    ends.push(() => server.stop());
    const response = await fetch(`${server.url}/Shelf-1.0.0-fail`, {
      method: 'POST',
      headers: { 'X-Correlation-ID': 'a', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' },
      body: '[7001]',
    });
    expect(await response.json()).toMatchObject({ errorNumber: 7001, name: 'Error (7001)' });
  });
});
