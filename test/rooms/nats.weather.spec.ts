import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BackplaneError,
  defaultIpcLimits,
  IpcFrontend,
  IpcRooms,
  IpcServer,
  memoryIpc,
} from '@linnet/common';
import type { CallReport } from '@linnet/common';
import { natsBackplane } from '@linnet/nats';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { until } from '../harness/waiting.js';

const open: (() => unknown)[] = [];

async function start({ servers }: NatsServer) {
  const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 20_000 });
  const reports: CallReport[] = [];
  const rooms = new IpcRooms(server, {
    backplane: natsBackplane({ servers, timeoutMs: 1000 }),
    userKey: String,
    invokeTimeoutMs: 20_000,
    report: (report) => reports.push(report),
  });
  const frontend = new IpcFrontend(memoryIpc(server), { reconnect: false });
  const news: unknown[] = [];
  frontend.addListener('news', (_event: unknown, content: unknown) => void news.push(content));
  await frontend.ready;
  const session = await until(() => server.sessions[0]);
  open.push(async () => {
    await server.close(0);
    await server.ended();
    await rooms.close();
  });
  // A machine under load may take longer than the timeout of this test.
  await until(() =>
    session.join('room').then(
      () => true,
      () => false,
    ),
  );
  return { rooms, session, news, reports };
}

async function startServer(): Promise<NatsServer> {
  const nats = await startNats();
  open.push(() => nats.stop());
  return nats;
}

const outcome = (sent: Promise<unknown>) =>
  sent.then(
    () => 'sent',
    (error: unknown) => (error instanceof BackplaneError ? error.failure : String(error)),
  );

(hasNats ? describe : describe.skip)('rooms while NATS is away', () => {
  afterEach(async () => {
    for (const end of open.splice(0).toReversed()) await end();
  });

  it('go on for the members of a node, and report to each sender that a message may be lost', async () => {
    const nats = await startServer();
    const [one, two] = [await start(nats), await start(nats)];
    await nats.kill();
    const sent = [1, 2, 3].map((n) => outcome(one.rooms.to('room').send('news', n)));
    await until(() => one.news.length === 3);
    expect([one.news, await Promise.all(sent)]).toEqual([
      [1, 2, 3],
      ['unreachable', 'unreachable', 'unreachable'],
    ]);
    await nats.restart();
    await until(async () => (await outcome(one.rooms.to('room').send('news', 'back'))) === 'sent');
    await until(() => two.news.includes('back'));
    // Each was sent when the connection came back, or never: at most once, and in order.
    const numbers = two.news.filter((each) => each !== 'back');
    expect(numbers).toEqual([1, 2, 3].filter((n) => numbers.includes(n)));
  });

  it('agree again when NATS comes back', async () => {
    const nats = await startServer();
    const [one, two] = [await start(nats), await start(nats)];
    await nats.kill();
    await nats.restart();
    const members = () =>
      one.rooms.presence('room').then(
        (list) => list.map(({ session }) => session).toSorted(),
        () => undefined,
      );
    const both = [one.session.id, two.session.id].toSorted();
    await until(async () => JSON.stringify(await members()) === JSON.stringify(both));
  });

  it('lose nothing that was told sent when NATS restarts', async () => {
    const nats = await startServer();
    const [one, two] = [await start(nats), await start(nats)];
    const told: number[] = [];
    let next = 0;
    const isOver = () => told.length > 0 && told.at(-1)! > 1_000_000;
    const sender = (async () => {
      while (!isOver()) {
        const n = next++;
        if ((await outcome(one.rooms.to('room').send('news', n))) === 'sent') told.push(n);
      }
    })();
    await until(() => told.length > 20);
    await nats.kill();
    await nats.restart();
    const before = told.length;
    await until(() => told.length > before + 20);
    next = 1_000_001;
    await sender;
    await until(() => two.news.includes(told.at(-1)));
    const arrived = two.news as number[];
    expect(arrived).toEqual([...new Set(arrived)].toSorted((a, b) => a - b));
    expect(told.filter((n) => !arrived.includes(n))).toEqual([]);
  });
});
