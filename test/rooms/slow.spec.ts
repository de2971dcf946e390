import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createIpcServer } from '@linnet/backend/node';
import { IpcFrontend } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { brokers } from '../harness/brokers.js';
import { until } from '../harness/waiting.js';
import { RawFrontend } from '../ipc/wire/raw.frontend.js';
import { endAll, open, outcome, startLine, startMember } from './weather.js';

const MiB = 1024 * 1024;
/** More than the buffers of a connection on loopback hold, together with the limit of a session. */
const MESSAGES = 400;
const content = 'x'.repeat(MiB / 32);
const bufferedBytes = 2 * MiB;

const numbers = Array.from({ length: MESSAGES }, (_, i) => i);

describe.each(Object.entries(brokers))('over %s', (_name, broker) => {
  const test = broker.isThere ? it : it.skip;
  afterEach(endAll);

  const startBroker = async () => {
    const { port, stop } = await broker.start();
    open.push(stop);
    return port;
  };

  test('a frontend that does not read slows neither the sender nor any other member of its room', async () => {
    const port = await startBroker();
    const startSocketNode = async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const backplane = broker.connect(port);
      const ipc = createIpcServer({ backplane, limits: { bufferedBytes }, report: () => undefined });
      ipc.attach(server);
      ipc.onSession(({ type, session }) => void (type === 'begun' && session.join('room')));
      open.push(async () => {
        await ipc.close(0);
        server.close();
      });
      return { ipc, at: (server.address() as AddressInfo).port };
    };
    const [one, two] = [await startSocketNode(), await startSocketNode()];
    const hear = async ({ at }: typeof one) => {
      const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${at}/ipc`), { reconnect: false });
      const seen: unknown[] = [];
      frontend.addListener('news', (_event: unknown, n: unknown) => void seen.push(n));
      open.push(() => frontend.close());
      await frontend.ready;
      return seen;
    };
    const heard = [await hear(one), await hear(two)];
    const slow = await RawFrontend.open(two.at);
    open.push(() => slow.terminate());
    await until(async () => (await one.ipc.presence('room').catch(() => [])).length === 3);
    slow.socket.pause();
    const slowSession = two.ipc.sessions[1]!;
    for (const n of numbers) expect(await outcome(one.ipc.to('room').send('news', n, content))).toBe('sent');
    await until(() => heard.every((seen) => seen.length === MESSAGES));
    expect(heard).toEqual([numbers, numbers]);
    // It has not waited for the slow one, which holds no more than its limit, and is then told so.
    await until(() => !slowSession.isOpen);
    expect((await slowSession.closed).code).toBe(1013);
    slow.socket.resume();
    await slow.closed;
  });

  test('a node that does not read its connection slows no other, and misses nothing', async () => {
    const port = await startBroker();
    const line = await startLine(port);
    const [one, two] = [await startMember(broker.connect(port)), await startMember(broker.connect(port))];
    const slow = await startMember(broker.connect(line.port));
    line.stall();
    for (const n of numbers)
      expect(await outcome(one.rooms.to('room').send('news', `${n} ${content}`))).toBe('sent');
    await until(() => two.news.length === MESSAGES);
    expect(slow.news.length).toBeLessThan(MESSAGES);
    line.flow();
    await until(() => slow.news.length >= MESSAGES || slow.warnings().some((each) => each.includes('lost')));
    for (const { news } of [two, slow])
      expect(news.map((each) => Number.parseInt(String(each), 10))).toEqual(numbers);
  });
});
