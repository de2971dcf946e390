import { afterEach, describe, expect, it } from '@jest/globals';
import { natsBackplane } from '@linnet/nats';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import { tokenOfText } from '../../libs/nats/src/backplane/tokens.js';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { settled, until } from '../harness/waiting.js';
import { endAll, open, outcome, startLine, startMember } from './weather.js';

function start({ port }: Pick<NatsServer, 'port'>) {
  return startMember(natsBackplane({ servers: `nats://127.0.0.1:${port}`, timeoutMs: 1000 }));
}

async function startServer(): Promise<NatsServer> {
  const nats = await startNats();
  open.push(() => nats.stop());
  return nats;
}

(hasNats ? describe : describe.skip)('rooms while NATS is away', () => {
  afterEach(endAll);

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

  it('keep the order of all that a node has sent to several rooms while another one was cut off', async () => {
    const nats = await startServer();
    const line = await startLine(nats.port);
    const [one, two] = [await start(nats), await start(line)];
    for (const room of ['a', 'b', 'c']) await two.session.join(room);
    line.cut();
    const rooms = [['a'], ['c'], ['b', 'a'], ['b'], ['a', 'b', 'c'], ['a']];
    const sent = Array.from({ length: 60 }, (_, i) => one.rooms.to(...rooms[i % 6]!).send('news', i));
    await Promise.all(sent);
    line.mend();
    await until(() => two.news.includes(59));
    await settled();
    expect(two.news).toEqual(sent.map((_, i) => i));
    expect(two.warnings().join()).not.toContain('lost frames');
  });

  it('deliver what is sent to a room and what is sent to one of its members, whichever arrives first', async () => {
    const nats = await startServer();
    const [one, two] = [await start(nats), await start(nats)];
    const sent = Array.from({ length: 40 }, (_, i) =>
      i % 4 ? one.rooms.to('room').send('news', i) : one.rooms.session(two.session.id).send('news', i),
    );
    await Promise.all(sent);
    await until(() => two.news.length === 40);
  });

  it('have a warning in the log if NATS has not kept what a node did not receive', async () => {
    const nats = await startServer();
    const line = await startLine(nats.port);
    const [one, two] = [await start(nats), await start(line)];
    line.cut();
    for (let i = 0; i < 5; i++) await one.rooms.to('room').send('news', i);
    const peer = await connectNats({ servers: nats.servers });
    await (await jetstreamManager(peer)).streams.purge('linnet-linnet');
    await peer.close();
    line.mend();
    let last = 0;
    await until(async () => {
      await one.rooms.to('room').send('news', `later ${++last}`);
      return two.warnings().join().includes('lost frames');
    });
    await until(() => two.news.includes(`later ${last}`));
  });

  it('list the members of a node again that the others have taken for dead', async () => {
    const nats = await startServer();
    const [one, two] = [await start(nats), await start(nats)];
    const members = async () => (await one.rooms.presence('room')).map(({ session }) => session);
    await until(async () => (await members()).includes(two.session.id));
    const peer = await connectNats({ servers: nats.servers });
    const manager = await jetstreamManager(peer);
    // As after a silence of all nodes.
    for (const bucket of ['entries', 'nodes']) await manager.streams.purge(`KV_linnet-linnet-${bucket}`);
    await until(async () => (await members()).length === 2);
    await one.rooms.session(two.session.id).send('news', 'found');
    await until(() => two.news.includes('found'));
    await peer.close();
  });

  it('leave nothing of a node that was killed', async () => {
    const nats = await startServer();
    const line = await startLine(nats.port);
    const [one, two] = [await start(nats), await start(line)];
    const peer = await connectNats({ servers: nats.servers });
    const manager = await jetstreamManager(peer);
    const left = async () => {
      const entries = await manager.streams.info('KV_linnet-linnet-entries', { subjects_filter: '>' });
      return Object.keys(entries.state.subjects ?? {}).length;
    };
    // Each has its session, its member, itself twice.
    await until(async () => (await left()) === 8);
    const killed = (await one.rooms.backplane!.get('sessions', two.session.id))!.node;
    line.cut();
    // Its last sign is over.
    const sign = `$KV.linnet-linnet-nodes.${tokenOfText(killed)}`;
    await manager.streams.purge('KV_linnet-linnet-nodes', { filter: sign });
    const three = await start(nats);
    await until(async () => (await left()) === 8);
    expect((await three.rooms.presence('room')).map(({ session }) => session).toSorted()).toEqual(
      [one.session.id, three.session.id].toSorted(),
    );
    await peer.close();
  });
});
