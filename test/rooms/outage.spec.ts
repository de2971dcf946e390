import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcFrontend, memoryIpc } from '@linnet/common';
import { brokers } from '../harness/brokers.js';
import { until } from '../harness/waiting.js';
import { endAll, open, outcome, startLine, startMember } from './weather.js';

const AWAY_MS = 10_000;
/** The promise is 2 seconds. A machine that is busy with other tests takes longer. */
const AGREED_MS = 10_000;
const backplaneBytes = 64 * 1024;
/** How long a promise waits for the broker, in milliseconds. */
const TIMEOUT_MS = 1_000;

describe.each(Object.entries(brokers))('nodes whose %s is away for ten seconds', (_name, broker) => {
  const test = broker.isThere ? it : it.skip;
  afterEach(endAll);

  test('go on, report what they could not send, and agree again when it is back', async () => {
    const process = await broker.start();
    open.push(() => process.stop());
    const line = await startLine(process.port);
    const start = (user: string) =>
      startMember(broker.connect(line.port, TIMEOUT_MS), { backplaneBytes, user });
    const [one, two, three] = [await start('ann'), await start('bob'), await start('bob')];
    const nodes = [one, two, three];
    one.server.channels.handle('itwin.double', async (_call, _method, x: unknown) => 2 * (x as number));
    const listed = async ({ rooms }: typeof one) => {
      const members = await rooms.presence('room').catch(() => []);
      return members.map(({ session }) => session).toSorted();
    };
    await until(async () => (await listed(one)).length === 3);

    await process.kill();
    const [before, since] = [line.tried(), performance.now()];
    // Sent in one turn: more than may wait.
    const burst = Array.from({ length: 20 }, (_, i) =>
      outcome(one.rooms.to('room').send('news', `burst ${i}`, 'x'.repeat(backplaneBytes / 8))),
    );
    const outcomes: string[] = [];
    let count = 0;
    while (performance.now() - since < AWAY_MS) {
      // The sessions of the node go on.
      expect(await one.frontend.invoke('double', 'x', count)).toBe(2 * count);
      const sent = outcome(one.rooms.to('room').send('news', `single ${count}`));
      await until(() => one.news.includes(`single ${count}`));
      // Sleeps: the broker is away for real time, because it is another process.
      await pause(200);
      outcomes.push(await sent);
      count++;
    }
    expect(new Set(await Promise.all(burst))).toEqual(new Set(['unreachable', 'full']));
    expect(new Set(outcomes)).toEqual(new Set(['unreachable']));
    // Members of the same node have got everything.
    expect(one.news).toHaveLength(20 + count);
    // Each node tries to connect at least once in a second, so that none misses the return for longer.
    expect((line.tried() - before) / nodes.length).toBeGreaterThan(AWAY_MS / 1000);

    // One session leaves and one comes while nobody can tell the others.
    two.frontend.close();
    await until(() => two.server.sessions.length === 0);
    const late = new IpcFrontend(memoryIpc(three.server, { user: 'ann' }), { reconnect: false });
    const heard: unknown[] = [];
    late.addListener('news', (_event: unknown, content: unknown) => void heard.push(content));
    await late.ready;
    const lateSession = await until(() => three.server.sessions[1]);
    // A session that could not be listed is not a member.
    expect(await outcome(lateSession.join('room'))).toBe('unreachable');
    expect(lateSession.rooms).toEqual([]);

    await process.restart();
    const returned = performance.now();
    const members = [one.session.id, three.session.id].toSorted();
    const agree = async () =>
      (await Promise.all(nodes.map(listed))).every((list) => list.join() === members.join());
    await until(agree);
    await until(async () => (await outcome(two.rooms.toUser('ann').send('news', 'to ann'))) === 'sent');
    await until(() => heard.includes('to ann') && one.news.includes('to ann'));
    await until(async () => (await outcome(one.rooms.to('room').send('news', 'back'))) === 'sent');
    await until(() => three.news.includes('back'));
    expect(heard).not.toContain('back');
    expect(performance.now() - returned).toBeLessThan(AGREED_MS);
    // Nobody gets anything twice, and only the members of the sender's node got what was reported as lost.
    const singles = three.news.filter((each) => String(each).startsWith('single'));
    expect(new Set(singles).size).toBe(singles.length);
    late.close();
  }, 60_000);
});
