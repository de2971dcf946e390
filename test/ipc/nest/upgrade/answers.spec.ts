import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { BareFrontend, handshake } from '../../wire/raw.frontend.socket.js';
import { adapters, closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { holdTimers, releaseTimers } from '../../../harness/held.timers.js';
import { settled, until } from '../../../harness/waiting.js';

/** A length that no other timer has: the tests hold the timer of an upgrade, and let it expire. */
const UPGRADE_MS = 43_210;

/** Begins to answer by itself, and leaves it at that. */
const beginning: CanActivate = {
  canActivate(context: ExecutionContext) {
    const response = context.switchToHttp().getResponse<ServerResponse>();
    response.writeHead(403, { 'Content-Type': 'text/plain' });
    response.flushHeaders();
    return false;
  },
};

let answer: ((text: string) => void)[] = [];

@Controller()
class SlowController {
  @Get('stream')
  stream() {
    return new StreamableFile(Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(256 * 1024, 'x'))));
  }
  @Get('slow')
  slow(@Query('n') n: string) {
    return new Promise<string>((resolve) => answer.push((text) => resolve(`${text} ${n}`)));
  }
}

const sockets: Socket[] = [];

/** Writes requests at once; `text` is what came back so far. */
async function talk(port: number, ...heads: string[]) {
  const socket = connectTcp(port, '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(heads.join(''));
  return { closed, text: () => text };
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

beforeEach(() => (answer = []));
afterEach(async () => {
  for (const resolve of answer) resolve('late');
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeIpcApps();
  releaseTimers();
});

describe.each(Object.entries(adapters))(
  'a guard of the upgrade that begins an answer and never ends it, on %s',
  (_, way) => {
    it('has its connection closed after upgradeMs', async () => {
      const upgradeTimers = holdTimers(UPGRADE_MS);
      const limits = { upgradeMs: UPGRADE_MS, upgrades: 1 };
      const { port, log } = await startIpcApp({ way, ipc: { guards: [beginning], limits } });
      for (let n = 0; n < 2; n++) {
        const bare = await BareFrontend.open(port);
        expect(bare.status).toBe(403);
        expect(upgradeTimers.pending).toBe(1);
        upgradeTimers.expire();
        await bare.closed;
        // Nothing is written into what the guard has begun.
        expect(bare.body).not.toContain('HTTP/1.1');
      }
      expect(log.find('error', '')).toEqual([]);
    });

    it('does not keep the application from closing', async () => {
      // A timer that is held does not expire: nothing but the application can end the upgrade.
      holdTimers(UPGRADE_MS);
      const limits = { upgradeMs: UPGRADE_MS };
      const { port, close } = await startIpcApp({ way, ipc: { guards: [beginning], limits } });
      const bare = await BareFrontend.open(port);
      await close();
      await bare.closed;
      expect(bare.body).not.toContain('HTTP/1.1');
    });
  },
);

describe.each(Object.entries(adapters))('an upgrade behind unanswered requests, on %s', (_, way) => {
  const guard: CanActivate = {
    canActivate: (context) => context.switchToHttp().getRequest<IncomingMessage>().url === '/ipc',
  };

  it.each([1, 2])('is refused after their answers, behind %d of them', async (count) => {
    const upgradeTimers = holdTimers(UPGRADE_MS);
    const { port, log, host } = await startIpcApp({
      way,
      ipc: { guards: [guard], limits: { upgradeMs: UPGRADE_MS } },
      controllers: [SlowController],
    });
    const before = Array.from({ length: count }, (_, n) => get(`/slow?n=${n}`));
    const { text, closed } = await talk(port, ...before, handshake(port));
    await until(() => answer.length === count);
    await settled();
    // The time of an upgrade begins behind the answers, or its end would refuse the upgrade here.
    upgradeTimers.expire();
    await settled();
    expect(text()).toBe('');
    for (const resolve of answer) resolve('answer');
    await closed;
    const answers = text().split(/(?=HTTP\/1\.1 \d)/);
    expect(answers.map((each) => each.slice(9, 12))).toEqual([...before.map(() => '200'), '400']);
    for (let n = 0; n < count; n++) expect(answers[n]).toMatch(new RegExp(`answer ${n}$`));
    expect(host.sessions).toEqual([]);
    expect(log.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('is refused after their answers have been read', async () => {
    const { port, host } = await startIpcApp({ way, controllers: [SlowController] });
    const { text, closed } = await talk(port, get('/stream'), handshake(port));
    await closed;
    const [first, last] = text().split(/x{2,}.*x{2,}/s);
    expect(text().length).toBeGreaterThan(64 * 256 * 1024);
    expect(first).toContain('HTTP/1.1 200 OK');
    expect(last).toContain('HTTP/1.1 400 Bad Request');
    expect(host.sessions).toEqual([]);
  });

  it('ends with its connection', async () => {
    const { port, log, close } = await startIpcApp({ way, controllers: [SlowController] });
    const bare = await BareFrontend.connect(port);
    bare.write(get('/slow?n=0') + handshake(port));
    await until(() => answer.length === 1);
    bare.destroy();
    await bare.closed;
    answer[0]!('nobody');
    await close();
    expect(log.find('error', '')).toEqual([]);
  });
});
