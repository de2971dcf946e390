import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../../harness/waiting.js';
import { end, log, open, portOf, raw, start } from './attack.harness.js';

afterEach(end);

const DURABLE = ['itwin.ipc', 'linnet.ipc.1'];
const CALLS = 20_000;

/** How many turns of the event loop pass until something is so. */
async function turnsUntil(condition: () => boolean): Promise<number> {
  let turns = 0;
  for (; !condition(); turns++) await new Promise((resolve) => setImmediate(resolve));
  return turns;
}

const heard = () => log.filter(([what]: any) => what === 'heard').length;

describe('very many messages at once', () => {
  const messages = Array.from({ length: CALLS }, (_, i) => [0, 'itwin.heard', [i]]);

  it.each(['WebSocket', 'a message port'])(
    'in one frame over %s let other sessions run in between',
    async (way) => {
      const app = await start();
      const { frontend, target } = open(app, 'durable');
      await frontend.ready;
      if (way === 'WebSocket') {
        const peer = await raw(app, DURABLE, '[9]');
        await until(() => peer.frames[0]);
        peer.socket.send(`[0,${messages.map((message) => JSON.stringify(message)).join()}]`);
      } else {
        const port = portOf(app);
        const welcome = new Promise((resolve) => port.once('message', resolve));
        port.postMessage([9]);
        await welcome;
        port.postMessage([0, ...messages]);
      }
      await turnsUntil(() => heard() > 0);
      expect(await target.echo('in between')).toBe('in between');
      const before = heard();
      expect(before).toBeLessThan(CALLS);
      // All others come after it, none is lost, and each is in its place.
      expect(await turnsUntil(() => heard() === CALLS)).toBeGreaterThan((CALLS - before) / 1000);
      expect(log.filter(([what]: any) => what === 'heard').map(([, n]: any) => n as number)).toEqual(
        Array.from({ length: CALLS }, (_, i) => i),
      );
      expect(log.findIndex(([what]: any) => what === 'echo')).toBeLessThan(CALLS);
    },
  );

  it('in many frames of the compatible wire let other sessions run in between', async () => {
    const app = await start();
    const { frontend, target } = open(app, 'durable');
    await frontend.ready;
    const peer = await raw(app, []);
    for (let sequence = 0; sequence < CALLS; sequence++) {
      const message = { type: 0, channel: 'itwin.heard', data: [sequence], sequence };
      peer.socket.send(JSON.stringify([JSON.stringify(message), 0]));
    }
    await turnsUntil(() => heard() > 0);
    expect(await target.echo('in between')).toBe('in between');
    expect(heard()).toBeLessThan(CALLS);
    await turnsUntil(() => heard() === CALLS);
  });

  it('are dropped when their session closes', async () => {
    const app = await start();
    const peer = await raw(app, DURABLE, '[9]');
    await until(() => peer.frames[0]);
    peer.socket.send(`[0,${messages.map((message) => JSON.stringify(message)).join()}]`);
    await turnsUntil(() => heard() > 0);
    app.host.sessions[0]!.close(1000, 'enough');
    const before = heard();
    expect((await peer.closed).code).toBe(1000);
    expect(heard()).toBe(before);
    expect(before).toBeLessThan(CALLS);
  });
});
