import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { memoryBackplane } from '@linnet/common';
import type { IpcBackplane } from '@linnet/common';
import { enableTelemetry } from '@linnet/common/telemetry';
import { openNetwork } from '../rooms/open.network.js';
import { until } from '../harness/waiting.js';
import { Collected, isParent } from './collected.js';

const collected = new Collected();
let disable: () => void;

beforeAll(() => {
  disable = enableTelemetry({ notifications: true });
});
afterEach(() => collected.reset());
afterAll(() => {
  disable();
  collected.end();
});

/** Runs work within a span. @returns the span when it has ended */
async function click(work: () => Promise<unknown>) {
  await trace.getTracer('test').startActiveSpan('click', async (span) => {
    await work();
    span.end();
  });
  return collected.one('click', SpanKind.INTERNAL);
}

/** A backplane whose frames arrive outside of the context of their sender, as over a network. */
function network(): IpcBackplane {
  const hub = memoryBackplane();
  return {
    join: (id, events) =>
      hub.join(
        id,
        new Proxy(events, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target);
            if (typeof value !== 'function') return value;
            return (...args: unknown[]): unknown =>
              context.with(ROOT_CONTEXT, () => Reflect.apply(value, target, args) as unknown);
          },
        }),
      ),
  };
}

describe('a trace over several nodes', () => {
  const { start, connect, enter } = openNetwork();

  it('continues in each frontend that gets a notification to a room', async () => {
    const hub = network();
    const [one, two] = [start(hub), start(hub)];
    const [[near, first], [far, second]] = [await connect(one), await connect(two)];
    await Promise.all([first, second].map((each) => each.join('floor')));
    const root = await click(async () => one.rooms.to('floor').send('news', 'all'));
    await until(() => near.news.length === 1 && far.news.length === 1);
    const sent = await collected.one('send news', SpanKind.PRODUCER);
    const received = await collected.named('process news', 2);
    expect(isParent(root, sent)).toBe(true);
    expect(received.map((each) => isParent(sent, each))).toEqual([true, true]);
  });

  it('continues in a call of a session that another node has', async () => {
    const hub = network();
    const [one, two] = [start(hub), start(hub)];
    const [, session] = await enter(two);
    const root = await click(() => one.rooms.session(session.id).invoke('echo', 'a'));
    const call = await collected.one('echo', SpanKind.CLIENT);
    const answer = await collected.one('echo', SpanKind.SERVER);
    expect(isParent(root, call)).toBe(true);
    expect(isParent(call, answer)).toBe(true);
    expect(call.attributes['session.id']).toBe(session.id);
    // The node of the session passes the call on, and makes no span of it.
    expect(await collected.named('echo', 2)).toHaveLength(2);
  });

  it('continues in a message to a session that another node has', async () => {
    const hub = network();
    const [one, two] = [start(hub), start(hub)];
    const [roving, session] = await enter(two);
    const root = await click(() => one.rooms.session(session.id).send('news', 'you'));
    await until(() => roving.news.length === 1);
    const sent = await collected.one('send news', SpanKind.PRODUCER);
    expect(isParent(root, sent)).toBe(true);
    expect(isParent(sent, await collected.one('process news', SpanKind.CONSUMER))).toBe(true);
    expect(await collected.named('send news')).toHaveLength(1);
  });

  it('has the session at both nodes if it moves, and once at its frontend', async () => {
    const hub = network();
    const [one, two] = [start(hub), start(hub)];
    const [roving, session] = await connect(one);
    roving.to(two);
    await one.server.close(5000);
    const moved = await until(() => two.server.sessions[0]);
    expect(moved.id).toBe(session.id);
    roving.frontend.close();
    const all = await collected.named('session', 3);
    const events = (side: string) =>
      all
        .filter(({ attributes }) => attributes['linnet.session.side'] === side)
        .map((span) => [span.attributes['session.id'], span.events.map(({ name }) => name)]);
    expect(events('server')).toEqual([
      [session.id, ['interrupted']],
      [session.id, ['resumed']],
    ]);
    expect(events('client')).toEqual([[undefined, ['interrupted', 'resumed']]]);
  });
});
