import { afterEach, describe, expect, it } from '@jest/globals';
import {
  defaultIpcLimits,
  IpcFrontend,
  IpcRooms,
  IpcServer,
  memoryBackplane,
  memoryIpc,
} from '@linnet/common';
import type { BackplaneNode, CallReport } from '@linnet/common';
import { settled, until } from '../../harness/waiting.js';

const encoder = new TextEncoder();

/** A frame by hand. */
function frame(
  head: unknown,
  text = '',
  parts: Uint8Array[] = [],
  props: { version?: number; lie?: number } = {},
) {
  const headBytes = encoder.encode(typeof head === 'string' ? head : JSON.stringify(head));
  const textBytes = encoder.encode(text);
  const fixed = new DataView(new ArrayBuffer(13 + 4 * parts.length));
  fixed.setUint8(0, props.version ?? 1);
  fixed.setUint32(1, headBytes.length);
  fixed.setUint32(5, props.lie ?? textBytes.length);
  fixed.setUint32(9, parts.length);
  parts.forEach((part, i) => fixed.setUint32(13 + 4 * i, part.length));
  return Buffer.concat([Buffer.from(fixed.buffer), headBytes, textBytes, ...parts]);
}

const notice = { kind: 'notice', from: 'evil', seq: 1, topics: [], except: [], channel: 'itwin.news' };
const request = {
  kind: 'request',
  from: 'evil',
  seq: 1,
  id: 1,
  session: 'x',
  type: 'send',
  channel: 'c',
  timeoutMs: 0,
};
const relay = {
  kind: 'relay',
  from: 'evil',
  seq: 1,
  relay: 1,
  to: 'owner',
  type: 'open',
  index: 0,
  text: 'x',
  count: 0,
};
const opening = { hello: '[9]', user: null, owner: null, ip: null, accessToken: '', isNative: false };
const move = { kind: 'move', from: 'evil', seq: 1, id: 1, type: 'take', session: 'x', count: 0 };
const taking = { secret: 'x'.repeat(22), user: null, attempt: 1, received: 0 };
const deep = '['.repeat(100_000) + ']'.repeat(100_000);

const attacks: Record<string, Uint8Array> = {
  'no bytes': new Uint8Array(0),
  'a few bytes': new Uint8Array([1, 2, 3]),
  'random bytes': Uint8Array.from({ length: 500 }, (_, i) => (i * 7919) % 256),
  'another version': frame(notice, '[1]', [], { version: 2 }),
  'a length beyond its end': frame(notice, '[1]', [], { lie: 1000 }),
  'a length of four gigabytes': frame(notice, '[1]', [], { lie: 0xffffffff }),
  'more parts than may be': frame(
    notice,
    '[1]',
    Array.from({ length: 5000 }, () => new Uint8Array(0)),
  ),
  'a head that is not JSON': frame('{', '[1]'),
  'a head that is a list': frame([], '[1]'),
  'a head that is null': frame('null', '[1]'),
  'a deep head': frame(deep, '[1]'),
  'a huge head': frame({ ...notice, channel: 'x'.repeat(300_000) }, '[1]'),
  'a number as channel': frame({ ...notice, channel: 7 }, '[1]'),
  'a long channel': frame({ ...notice, channel: 'x'.repeat(5000) }, '[1]'),
  'an unknown kind': frame({ ...notice, kind: 'constructor' }, '[1]'),
  'the kind __proto__': frame('{"kind":"__proto__","from":"evil","seq":1}', '[1]'),
  'a text as number': frame({ ...notice, seq: '1' }, '[1]'),
  'a negative number': frame({ ...notice, seq: -1 }, '[1]'),
  'an object as list': frame({ ...notice, except: {} }, '[1]'),
  'too long a list': frame({ ...notice, except: Array.from({ length: 1000 }, () => 'x') }, '[1]'),
  'numbers in a list of texts': frame({ ...notice, topics: [1] }, '[1]'),
  'values that are not JSON': frame(notice, '[1'),
  'deep values': frame(notice, deep),
  'values that are not a list': frame(notice, '{"length":1}'),
  'no values': frame(notice),
  'too many values': frame(notice, JSON.stringify(Array.from({ length: 1000 }, () => 1))),
  'a prototype': frame(notice, '[{"__proto__":{"polluted":true}}]'),
  'a missing part': frame(notice, '[{"ipc":"binary","type":0,"index":5}]', [new Uint8Array(1)]),
  'a wrong kind of part': frame(notice, '[{"ipc":"binary","type":99,"index":0}]', [new Uint8Array(1)]),
  'a part of the wrong size': frame(notice, '[{"ipc":"binary","type":8,"index":0}]', [new Uint8Array(3)]),
  'a marker without a part': frame(notice, '[{"ipc":"binary","type":0,"index":0}]'),
  'a presence without a member': frame({
    kind: 'presence',
    from: 'evil',
    seq: 1,
    type: 'join',
    session: 's',
  }),
  'a request without arguments': frame(request),
  'a call with a negative timeout': frame({ ...request, timeoutMs: -1 }, '[1]'),
  'a relay to no session': frame(relay, JSON.stringify(opening)),
  'a relay without a hello': frame(relay, '{}'),
  'a relay with a list': frame(relay, '[]'),
  'a relay with a long hello': frame(relay, JSON.stringify({ ...opening, hello: 'x'.repeat(5000) })),
  'a relay to an unknown end': frame({ ...relay, to: 'constructor' }, '{}'),
  'a relay of an unknown type': frame({ ...relay, type: 'then' }, '{}'),
  'data of a relay that nobody opened': frame({ ...relay, type: 'data', count: 1 }, '', [new Uint8Array(5)]),
  'an end of a relay that nobody opened': frame({ ...relay, to: 'edge', type: 'close', count: 1000 }),
  'an opened relay that nobody wanted': frame({ ...relay, to: 'edge', type: 'opened' }),
  'a take of no session': frame(move, JSON.stringify(taking)),
  'a take without a secret': frame(move, '{}'),
  'a take with a negative number': frame(move, JSON.stringify({ ...taking, received: -1 })),
  'a give of no session': frame({ ...move, type: 'give' }),
  'topics that nobody wanted': frame({ ...move, type: 'topics' }, '["r:room"]'),
  'a state that nobody wanted': frame({ ...move, type: 'state' }, '', [new Uint8Array(100)]),
  'a move of an unknown type': frame({ ...move, type: '__proto__' }, '{}'),
  'a reply that nobody waits for': frame({ kind: 'reply', from: 'evil', seq: 1, id: 99, type: 'done' }, '1'),
};

describe('a node of a backplane', () => {
  let close: () => Promise<unknown> = async () => undefined;
  afterEach(() => close());

  const start = async () => {
    const backplane = memoryBackplane();
    const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 1000 });
    const reports: CallReport[] = [];
    const ids: string[] = [];
    const answers: string[] = [];
    const spied = {
      join: (id: string, events: Parameters<typeof backplane.join>[1]): BackplaneNode => {
        ids.push(id);
        return backplane.join(id, events);
      },
    };
    const rooms = new IpcRooms(server, {
      backplane: spied,
      userKey: String,
      invokeTimeoutMs: 1000,
      report: (report) => reports.push(report),
    });
    const evil = backplane.join('evil', {
      frame: (_topic, bytes) => void answers.push(new TextDecoder().decode(bytes)),
      restored: () => undefined,
    });
    const frontend = new IpcFrontend(memoryIpc(server), { reconnect: false });
    const news: unknown[] = [];
    frontend.addListener('news', (_event: unknown, ...args: unknown[]) => void news.push(...args));
    await frontend.ready;
    const session = await until(() => server.sessions[0]);
    await session.join('room');
    rooms.watch('room', () => undefined);
    close = async () => {
      await server.close(0);
      await server.ended();
      await rooms.close();
    };
    return { evil, answers, session, news, reports, node: ids[0]! };
  };

  it.each(Object.entries(attacks))('survives %s, and goes on to serve', async (_name, attack) => {
    const { evil, session, news, reports, node } = await start();
    for (const topic of ['r:room', 'all', 'w:room']) await evil.publish(topic, attack);
    await evil.send(node, attack);
    await settled();
    const polluted = ({} as { polluted?: unknown }).polluted;
    expect([session.isOpen, news, polluted]).toEqual([true, [], undefined]);
    expect(reports.every(({ kind }) => kind === 'warning')).toBe(true);
    await evil.publish('r:room', frame({ ...notice, seq: 1000 }, '[5]'));
    await until(() => news.length > 0);
    expect(news).toEqual([5]);
  });

  it('delivers a frame that arrives twice once', async () => {
    const { evil, news } = await start();
    for (const seq of [1, 2, 1, 2, 3]) await evil.publish('r:room', frame({ ...notice, seq }, `[${seq}]`));
    await until(() => news.includes(3));
    expect(news).toEqual([1, 2, 3]);
  });

  it('answers a call whose arguments are damaged', async () => {
    const { evil, answers, session, node } = await start();
    const call = { ...request, session: session.id };
    await evil.send(node, frame({ ...call, seq: 1 }, '[1'));
    await evil.send(node, frame({ ...call, seq: 2 }, deep));
    await until(() => answers.length === 2);
    expect(answers.every((answer) => answer.includes('"type":"failed"'))).toBe(true);
  });

  it('warns of many damaged frames once', async () => {
    const { evil, reports } = await start();
    for (let i = 0; i < 1000; i++) await evil.publish('r:room', new Uint8Array(20));
    await settled();
    expect(reports).toHaveLength(1);
  });
});
