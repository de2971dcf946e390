import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { IpcChannel, IpcModule } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { WebSocketServer } from 'ws';
import { errors } from './errors.js';
import { pattern } from './fixture.js';
import { GuaranteesBase, last } from './guarantees.fixture.js';
import { startServer } from './server.js';
import type { TestServer } from './server.js';
import { expectedOverIpc, refused, values } from './values.js';
import { kinds } from '../ipc/raw.frontend.js';

@IpcChannel('guarantees')
class GuaranteesHandler extends GuaranteesBase {}

@Module({ imports: [IpcModule.forRoot({ path: '/ipc' })], providers: [GuaranteesHandler] })
class FrontendModule {}

const wires = { 'the compatible wire': true, 'the durable wire': false };

describe.each(Object.entries(wires))('our own frontend over %s', (_name, compatible) => {
  let server: TestServer;
  let frontend: IpcFrontend;
  const call = (method: string, ...args: unknown[]) => frontend.invoke('guarantees', method, ...args);
  beforeAll(async () => {
    server = await startServer(FrontendModule, 'LinnetExpressAdapter');
    frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${server.port}/ipc`, { compatible }));
    await frontend.ready;
  });
  afterAll(async () => {
    frontend.close();
    await server.stop();
  });

  it.each(values)('$name reaches the frontend', async (each) => {
    const expected = expectedOverIpc(each);
    expect(await call('value', each.name)).toStrictEqual(expected === undefined ? {} : { result: expected });
  });

  it.each(values)('$name reaches the backend, and comes back', async (each) => {
    const expected = expectedOverIpc(each) ?? null;
    const back = await call('echo', each.name, each.value);
    expect(last.received).toStrictEqual(expected);
    expect(back).toStrictEqual({ result: expected });
  });

  it.each(refused)('$name is refused on either side', async ({ name, value, message }) => {
    const said = expect.stringContaining('The value cannot be sent: ');
    expect(await call('value', name)).toEqual({
      error: expect.objectContaining({
        message: expect.stringContaining(`The value cannot be sent: ${message}`),
      }),
    });
    await expect(call('echo', name, value)).rejects.toMatchObject({ message: said });
  });

  it.each(errors)('$name is seen as promised', async ({ name, overIpc }) => {
    const isHidden = Object.hasOwn(Object(overIpc) as object, 'activityId');
    const activityId = expect.stringMatching(/^[\da-f-]{36}$/);
    expect(await call('fail', name)).toStrictEqual({
      error: isHidden ? { ...(overIpc as object), activityId } : overIpc,
    });
  });

  it.each(kinds.map((Kind) => [Kind.name, Kind] as const))(
    '%s goes both ways, of any size',
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
});

it('our own frontend is understood by a backend that takes the first subprotocol, as that of iTwin.js does', async () => {
  const http = createServer();
  const backend = new WebSocketServer({ server: http });
  backend.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      const { channel, request, data: args } = JSON.parse(JSON.parse(data.toString())[0]);
      const response = { type: 3, channel, response: request, data: { result: args }, sequence: 0 };
      socket.send(JSON.stringify([JSON.stringify(response), 0]));
    }),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}`), { reconnect: false });
  expect(await frontend.callIpcChannel('x', 'y', 1, 'two')).toEqual([1, 'two']);
  frontend.close();
  backend.close();
  http.close();
});
