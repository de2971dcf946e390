import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { UnauthorizedException } from '@nestjs/common';
import { ipcChannel } from '@linnet/backend';
import { IpcApp, IpcClosedError, IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { WebSocket } from 'ws';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  IpcApp.shutdown();
  for (const end of ends.splice(0)) end();
  await closeIpcApps();
});

/** The error that a frontend rejects with when it connects once. */
async function refusal(url: string, webSocket?: never): Promise<unknown> {
  const frontend = new IpcFrontend(webSocketIpc(url, { webSocket }), { reconnect: false });
  return frontend.ready.then(
    () => frontend.close(),
    (error: unknown) => error,
  );
}

/** A server that answers upgrades by hand. */
async function answering(answer: (socket: Duplex) => void): Promise<string> {
  const server = createServer();
  server.on('upgrade', (_request, socket) => answer(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('an upgrade that is refused', () => {
  it('rejects with the status and the reason of the backend', async () => {
    const authorize = () => {
      throw new UnauthorizedException('The badge is not valid.');
    };
    const { port } = await startIpcApp({ ipc: { authorize } });
    const error = await refusal(`ws://127.0.0.1:${port}/ipc`);
    expect(error).toBeInstanceOf(IpcClosedError);
    expect((error as IpcClosedError).closure).toEqual({
      code: 1006,
      reason: 'The upgrade was refused: 401 Unauthorized The badge is not valid.',
      initiator: 'remote',
    });
  });

  it('rejects with them also over a class that extends the WebSocket of ws', async () => {
    class Own extends WebSocket {}
    const url = await answering((socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno\r\n'),
    );
    expect(String(await refusal(url, Own as never))).toContain('403 Forbidden no');
  });

  it('rejects with one short line of a long answer', async () => {
    const url = await answering((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n');
      // A body that does not end.
      socket.write(`5\r\na\u001b\n\nb\r\n`);
      for (let i = 0; i < 50; i++) socket.write(`a\r\n${'x'.repeat(10)}\r\n`);
      ends.push(() => socket.destroy());
    });
    const { reason } = ((await refusal(url)) as IpcClosedError).closure;
    expect(reason).toMatch(/^The upgrade was refused: 502 Bad Gateway a b\s?x+$/);
    expect(reason.length).toBeLessThan(300);
  });

  it('rejects with the error of the platform when there is no server', async () => {
    const url = await answering(() => undefined);
    for (const end of ends.splice(0)) end();
    expect(String(await refusal(url))).toContain('ECONNREFUSED');
  });
});

describe('IpcApp.startup', () => {
  it('can be called again after it has failed, and after its only session has ended', async () => {
    const app = await startIpcApp({});
    const connect = webSocketIpc(`ws://127.0.0.1:${app.port}/ipc`);
    const nowhere = webSocketIpc('ws://127.0.0.1:9/ipc');
    await expect(IpcApp.startup(nowhere, { reconnect: false })).rejects.toThrow('is over (1006');
    await IpcApp.startup(connect, { reconnect: false });
    expect(IpcApp.isValid).toBe(true);
    await expect(IpcApp.startup(connect)).rejects.toThrow('is already started');
    const over = new Promise((resolve) => IpcApp.onSessionLost(resolve));
    (await app.session()).close();
    await over;
    await IpcApp.startup(connect);
    expect(IpcApp.isValid).toBe(true);
  });
});

describe('a listener of a typed channel', () => {
  interface News {
    moved(robot: string, to: { x: number }): void;
    stopped(): void;
  }
  const typed = ipcChannel<object, News>('robots-v1');

  it('has the types of its notifications, which the compiler checks', () => {
    const register = () => {
      IpcApp.addListener(typed, (_event, ...message) => {
        if (message[0] !== 'moved') return;
        const robot: string = message[1];
        const x: number = message[2].x;
        // @ts-expect-error -- an argument of another type
        const text: string = message[2].x;
        void [robot, x, text];
      });
      const names: ('moved' | 'stopped')[] = [];
      IpcApp.addListener(typed, (_event, name) => names.push(name));
      // @ts-expect-error -- not a notification of the channel
      IpcApp.addListener(typed, (_event: object, _name: 'launched') => undefined);
      // A channel without types carries anything.
      IpcApp.addListener('robots-v1', (_event, _name: string, _x: number) => undefined);
      IpcApp.removeListener(typed, () => undefined);
    };
    expect(register).toBeInstanceOf(Function);
  });
});
