import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcHost, serveMessagePort } from '@linnet/backend';
import { createRpcClient, IpcClosedError, IpcFrontend, messagePortIpc, rpcOverIpc } from '@linnet/common';
import type { MessagePortLike } from '@linnet/common';
import { forkUtilityProcess, messageChannelMain } from './electron.ports.js';
import { failure } from './failure.js';
import { ShelfModule, ShelfRpc } from './shelf.module.js';
import type { ShelfHandler } from './shelf.module.js';

let app: INestApplicationContext;
let frontend: IpcFrontend;
beforeEach(async () => {
  app = await NestFactory.createApplicationContext(ShelfModule, { logger: false });
});
afterEach(async () => {
  frontend.close();
  await app.close();
});

const ways: [string, () => { near: MessagePortLike; far: MessagePortLike }][] = [
  [
    'a utility process that is the backend',
    () => {
      const { child, parentPort } = forkUtilityProcess();
      return { near: child, far: parentPort };
    },
  ],
  [
    'a utility process that is the frontend',
    () => {
      const { child, parentPort } = forkUtilityProcess();
      return { near: parentPort, far: child };
    },
  ],
  [
    'a pair of ports of MessageChannelMain',
    () => {
      const { port1, port2 } = messageChannelMain();
      return { near: port1, far: port2 };
    },
  ],
];

describe.each(ways)('%s', (_name, open) => {
  let shelf: ReturnType<typeof frontend.makeIpcProxy<ShelfHandler>>;
  beforeEach(() => {
    const { near, far } = open();
    // A call without a listener waits.
    frontend = new IpcFrontend(messagePortIpc(near));
    shelf = frontend.makeIpcProxy<ShelfHandler>('shelf');
    setImmediate(() => serveMessagePort(app, far));
  });

  it('carries calls both ways, notifications and RPC', async () => {
    const told = new Promise((resolve) => frontend.addListener('news', (_event, news) => resolve(news)));
    frontend.handle('page', (question: string) => `${question} Me.`);
    expect(await shelf.count()).toBe(1);
    await shelf.tell(Int16Array.of(-3));
    expect(await told).toEqual(Int16Array.of(-3));
    expect(await shelf.ask('Who?')).toBe('Who? Me.');
    const client = createRpcClient({ transport: rpcOverIpc(frontend) }).client(ShelfRpc);
    expect(await client.weigh('top', Uint8Array.of(1))).toMatchObject({ bytes: Uint8Array.of(1) });
  });

  it.each(['the frontend', 'the backend'])('ends its session at both ends when %s ends it', async (who) => {
    await frontend.ready;
    const [session] = app.get(IpcHost).sessions;
    const failed = failure(shelf.never());
    if (who === 'the frontend') frontend.close();
    else session!.close(3001, 'enough');
    expect(await failed).toBeInstanceOf(IpcClosedError);
    expect((await session!.closed).code).toBe(who === 'the frontend' ? 1000 : 3001);
    expect(frontend.state).toBe('closed');
  });
});

describe('a utility process', () => {
  it.each([
    ['is killed', 'kill', 'The port is closed.'],
    ['crashes', 'crash', 'The worker has failed: FatalError'],
  ] as const)('rejects its pending calls when it %s', async (_name, end, reason) => {
    const { child, parentPort } = forkUtilityProcess();
    serveMessagePort(app, parentPort);
    frontend = new IpcFrontend(messagePortIpc(child));
    await frontend.ready;
    const failed = failure(frontend.callIpcChannel('shelf', 'never'));
    child[end]();
    expect(await failed).toMatchObject({ message: expect.stringContaining(reason) });
  });
});

it('a closed MessagePortMain ends the session at both ends', async () => {
  const { port1, port2 } = messageChannelMain();
  serveMessagePort(app, port2);
  frontend = new IpcFrontend(messagePortIpc(port1));
  await frontend.ready;
  const [session] = app.get(IpcHost).sessions;
  const failed = failure(frontend.callIpcChannel('shelf', 'never'));
  port2.close();
  expect(await failed).toEqual(
    new IpcClosedError({ code: 1006, reason: 'The port is closed.', initiator: 'remote' }),
  );
  // The side that closes a port gets no event.
  expect(await session!.closed).toEqual({
    code: 4000,
    reason: 'The peer gave no sign of life.',
    initiator: 'local',
  });
});
