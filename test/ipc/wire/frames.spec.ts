import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, endings, startIpc, TestIpcHandler } from './ipc.app.js';
import { settled, until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { textOf } from './raw.frontend.codec.js';
import { MessageType, RawFrontend } from './raw.frontend.js';
import { BareFrontend, frameBytes, Opcode } from './raw.frontend.socket.js';
import type { WebSocketFrame } from './raw.frontend.socket.js';

// A rejection or an exception that nobody handles fails the test that it happens in.

const limits = {
  messageBytes: 1024 * 1024,
  textLength: 900_000,
  parts: 16,
  depth: 32,
  arguments: 8,
  waitingMessages: 10,
  arrivalMs: 1000,
};

let app: IpcApp;
/** Calls all the time, and must not notice anything. */
let other: RawFrontend;
let calls = 0;
const end = new AbortController();
let calling: Promise<void>;

beforeAll(async () => {
  app = await startIpc({ limits });
  other = await app.open();
  calling = (async () => {
    const part = Uint8Array.from({ length: 5000 }, (_, i) => i);
    while (!end.signal.aborted) {
      const n = calls++;
      const answer = await other.invoke(CHANNEL, 'echo', n, part);
      // Much faster than a matcher, and this loop always runs.
      expect(isDeepStrictEqual(answer, { result: [n, part] })).toBe(true);
      other.received.length = 0;
      await nextTurn();
    }
  })();
});
afterAll(async () => {
  end.abort();
  await calling;
  await closeApps();
});
const opened: RawFrontend[] = [];
async function open(): Promise<RawFrontend> {
  const frontend = await app.open();
  opened.push(frontend);
  return frontend;
}

beforeEach(() => {
  app.log.lines.length = 0;
});
afterEach(async () => {
  for (const frontend of opened.splice(0)) frontend.terminate();
  const before = calls;
  await until(() => calls > before + 1);
  await until(() => app.host.sessions.length === 1);
});

const invoke = (sequence: number, ...data: unknown[]) => ({
  type: MessageType.Invoke,
  channel: CHANNEL,
  method: 'echo',
  data,
  request: sequence + 1,
  sequence,
});
const text = (sequence: number, ...data: unknown[]) => textOf(JSON.stringify(invoke(sequence, ...data)), 0);
const marker = (index: unknown, type: unknown = 0) => ({ ipc: 'binary', type, index });

describe('messages over the compatible wire', () => {
  let frontend: RawFrontend;
  beforeEach(async () => {
    frontend = await app.open();
  });
  afterEach(() => frontend.terminate());

  const answers = async (count: number) =>
    (await frontend.messages(count)).map(({ response, data }) => [
      response,
      (data as { result: unknown[] }).result[0],
    ]);

  it('are answered in their order', async () => {
    for (let i = 0; i < 10; i++) frontend.message(invoke(i, i));
    expect(await answers(10)).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, i]));
  });

  it('wait for earlier ones that arrive late, with and without parts', async () => {
    for (const i of [3, 1, 4, 2]) frontend.message(invoke(i, i, Uint8Array.of(i)));
    await frontend.arrived();
    await settled();
    expect(frontend.received).toEqual([]);
    frontend.message(invoke(0, 0));
    expect(await answers(5)).toEqual(Array.from({ length: 5 }, (_, i) => [i + 1, i]));
  });

  it('are answered once when they arrive twice', async () => {
    // The answer to the last one follows every answer to the others.
    for (const i of [0, 0, 2, 2, 1, 1, 2, 0, 3, 3, 4]) frontend.message(invoke(i, i, Uint8Array.of(i)));
    expect(await answers(5)).toEqual(Array.from({ length: 5 }, (_, i) => [i + 1, i]));
    expect(frontend.received.filter((frame) => 'text' in frame)).toHaveLength(5);
  });

  it('of unknown types are ignored, but take a sequence number', async () => {
    const types: any[] = [1, 3, 4, 5, 6, -1, 0.5, 1e300, 99, undefined, null, '2', {}, [2], true];
    for (const type of types)
      frontend.message({ type, channel: CHANNEL, method: 'echo', data: [], request: 1 });
    // Their other members are not checked, either.
    frontend.message({ type: 7, data: { length: 1 }, request: -1 } as any);
    await expect(frontend.invoke(CHANNEL, 'echo', 'after')).resolves.toEqual({ result: ['after'] });
    expect(frontend.received).toHaveLength(1);
  });

  it('with a marker of a part but without parts hold a plain object, which an answer cannot hold', async () => {
    const escaped = JSON.stringify(invoke(1)).replace(
      '[]',
      String.raw`[{"\u0069pc":"binary","type":0,"index":0}]`,
    );
    frontend.message(invoke(0, marker(0)), []);
    frontend.sendText(textOf(escaped, 0));
    for (const { data } of await frontend.messages(2))
      expect(data).toMatchObject({
        error: { message: expect.stringContaining('would be taken for a typed array') },
      });
  });

  it('are answered under request number zero, and under a number that was used before', async () => {
    for (const request of [0, 7, 7, Number.MAX_SAFE_INTEGER])
      frontend.message({ type: MessageType.Invoke, channel: CHANNEL, method: 'echo', data: [], request });
    const responses = (await frontend.messages(4)).map(({ response }) => response);
    expect(responses).toEqual([0, 7, 7, Number.MAX_SAFE_INTEGER]);
  });
});

describe('valid frames in pieces of every kind', () => {
  const bytes = Buffer.concat(
    [
      { opcode: Opcode.Text, payload: textOf(JSON.stringify(invoke(0, 'é€😀', marker(0))), 1) },
      { opcode: Opcode.Binary, payload: Uint8Array.from({ length: 300 }, (_, i) => i) },
      { opcode: Opcode.Text, payload: text(1, 'last') },
    ].map(frameBytes),
  );

  async function answered(bare: BareFrontend) {
    const first = await bare.nextText();
    expect(JSON.parse((JSON.parse(first) as [string])[0])).toMatchObject({
      response: 1,
      data: { result: ['é€😀', marker(0)] },
    });
    expect((await bare.next()).payload.toString('hex')).toBe(
      Buffer.from(Uint8Array.from({ length: 300 }, (_, i) => i)).toString('hex'),
    );
    expect(await bare.nextText()).toContain('last');
    bare.destroy();
  }

  it('are read from single bytes over TCP', async () => {
    const bare = await BareFrontend.open(app.port);
    for (const [i, byte] of bytes.entries()) {
      bare.write(Uint8Array.of(byte));
      if (i % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await answered(bare);
  });

  it('are read from bytes in the packet of the handshake', async () => {
    await answered(await BareFrontend.open(app.port, { behind: bytes }));
    const part = await BareFrontend.open(app.port, { behind: bytes.subarray(0, 9) });
    part.write(bytes.subarray(9));
    await answered(part);
  });

  it('are read from WebSocket fragments that split letters, with pings between them', async () => {
    const bare = await BareFrontend.open(app.port);
    const message = Buffer.from(text(0, 'é€😀'));
    for (const [i, byte] of message.entries()) {
      const opcode = i === 0 ? Opcode.Text : Opcode.Continuation;
      bare.frame({ opcode, payload: Uint8Array.of(byte), fin: i === message.byteLength - 1 });
      if (i % 20 === 0) bare.frame({ opcode: Opcode.Ping, payload: `${i}` });
    }
    const pings = Math.ceil(message.byteLength / 20);
    for (let i = 0; i < pings; i++) expect((await bare.next()).opcode).toBe(Opcode.Pong);
    expect(await bare.nextText()).toContain('é€😀');
    bare.destroy();
  });

  it('are dropped without a warning when their frontend leaves in the middle', async () => {
    for (let cut = 1; cut < bytes.byteLength; cut += 17) {
      const bare = await BareFrontend.open(app.port, { behind: bytes.subarray(0, cut) });
      if (cut % 2 === 0) bare.destroy();
      else bare.socket.end();
    }
    await until(() => app.host.sessions.length === 1);
    expect(endings(app.log)).toEqual([]);
  });
});

/** Frames, and the code and reason with which the session ends. */
type Violation = [code: number, reason: RegExp, ...frames: (string | Uint8Array)[]];

const json = (value: unknown, parts = 0) => textOf(JSON.stringify(value), parts);
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const violations: Record<string, Violation> = {
  'text that is not JSON': [1007, /not valid JSON/, 'x'],
  'an empty text': [1007, /not valid JSON/, ''],
  'half of JSON': [1007, /not valid JSON/, '["{}"'],
  'a JSON object': [1007, /not a message and a number/, '{}'],
  'JSON null': [1007, /not a message and a number/, 'null'],
  'a JSON number': [1007, /not a message and a number/, '0'],
  'an empty list': [1007, /not a message and a number/, '[]'],
  'a message that is not a text': [1007, /not a message and a number/, '[{},0]'],
  'a missing count of parts': [1007, /no number of binary/, '["{}"]'],
  ...Object.fromEntries(
    ['-1', '0.5', '1e400', '1e16', '"1"', 'null', '{}', '[]', 'true', '-1e999', '9007199254740993'].map(
      (count) => [
        `a count of ${count}`,
        [1007, /no number of binary/, `["{}",${count}]`] satisfies Violation,
      ],
    ),
  ),
  'a count above the limit': [1008, /more than 16 binary frames/, '["{}",17]'],
  'a huge count': [1008, /more than 16 binary frames/, '["{}",9007199254740991]'],
  'a message that is not JSON': [1007, /not valid JSON/, textOf('{', 0)],
  'a message that is a list': [1002, /./, json([])],
  'a message that is null': [1002, /no object/, json(null)],
  'a message that is a text': [1002, /no object/, json('x')],
  'a missing sequence number': [1002, /no sequence number/, json({ ...invoke(0), sequence: undefined })],
  ...Object.fromEntries(
    [-1, 0.5, '0', null, {}, 2 ** 53].map((sequence) => [
      `a sequence number of ${JSON.stringify(sequence)}`,
      [1002, /no sequence number/, json({ ...invoke(0), sequence })] satisfies Violation,
    ]),
  ),
  'a sequence number of 1e999': [
    1002,
    /no sequence number/,
    textOf('{"type":2,"channel":"c","sequence":1e999}', 0),
  ],
  'a channel that is not a text': [1002, /names no channel/, json({ ...invoke(0), channel: 5 })],
  'a negative request number': [1002, /request number/, json({ ...invoke(0), request: -1 })],
  'a request number that is a text': [1002, /request number/, json({ ...invoke(0), request: '1' })],
  'data that is not a list': [1002, /list of arguments/, json({ ...invoke(0), data: { length: 1 } })],
  'members from a prototype': [
    1002,
    /no sequence number/,
    textOf('{"__proto__":{"type":2,"channel":"c","sequence":0}}', 0),
  ],
  'arguments nested too deep': [
    1007,
    /deeper than 32/,
    textOf(JSON.stringify(invoke(0)).replace('[]', nested(40)), 0),
  ],
  'an envelope nested without end': [1007, /deeper than 32/, textOf('['.repeat(100_000), 0)],
  'brackets nested without end in place of an envelope': [1007, /./, nested(400_000)],
  'brackets nested without end behind the message': [1007, /./, `["{}",${nested(400_000)}]`],
  'a sequence number far ahead without earlier messages': [1002, /Message 0 did not arrive/, text(2 ** 52)],
  'a missing first message': [1002, /Message 0 did not arrive/, text(1)],
  'too many messages ahead of a missing one': [
    1002,
    /Message 0 is missing/,
    ...Array.from({ length: 11 }, (_, i) => text(i + 1)),
  ],
  'a binary frame without a text frame before it': [1002, /no text frame announced/, Uint8Array.of(1)],
  'an empty binary frame without a text frame before it': [1002, /no text frame announced/, new Uint8Array()],
  'more binary frames than announced': [
    1002,
    /no text frame announced/,
    json(invoke(0, marker(0)), 1),
    Uint8Array.of(1),
    Uint8Array.of(1),
  ],
  'a text frame in place of a binary frame': [
    1002,
    /where a binary frame was announced/,
    json(invoke(0, marker(0)), 1),
    text(0),
  ],
  'a text frame in place of the last binary frame': [
    1002,
    /where a binary/,
    json(invoke(0), 2),
    Uint8Array.of(1),
    text(0),
  ],
  'a binary frame that never arrives': [
    1002,
    /binary frame did not arrive/,
    json(invoke(0), 2),
    Uint8Array.of(1),
  ],
  'a text that is too long': [1009, /more than 900000 characters/, 'x'.repeat(900_001)],
  'parts larger together than a message may be': [
    1009,
    /more than 1048576 bytes/,
    json({ ...invoke(0), type: 0 }, 3),
    ...[1, 2, 3].map(() => new Uint8Array(400_000)),
  ],
  'messages ahead, larger together than a message may be': [
    1002,
    /Message 0 is missing/,
    ...[1, 2, 3].map((i) => text(i, 'x'.repeat(400_000))),
  ],
  ...Object.fromEntries(
    (
      [
        ['an index out of range', marker(1)],
        ['a negative index', marker(-1)],
        ['an index that is a text', marker('0')],
        ['a missing index', { ipc: 'binary', type: 0 }],
        ['a missing type', { ipc: 'binary', index: 0 }],
        ['an unknown type', marker(0, 10)],
        ['the type of BigInts', marker(0, -1)],
        ['a type that is a text', marker(0, '0')],
        ['a type that is a member of arrays', marker(0, 'constructor')],
        ['three bytes for a kind of two', marker(0, 3)],
        ['three bytes for a kind of eight', marker(0, 8)],
      ] as [string, unknown][]
    ).map(([name, argument]) => [
      `a marker with ${name}`,
      [1007, /binary frame/, json(invoke(0, argument), 1), Uint8Array.of(1, 2, 3)] satisfies Violation,
    ]),
  ),
  'a marker in place of a message': [1002, /./, json(marker(0), 1), Uint8Array.of(1)],
  'a marker in place of the data': [
    1002,
    /list of arguments/,
    json({ ...invoke(0), data: marker(0) }, 1),
    Uint8Array.of(1),
  ],
};

describe('a violation of the protocol', () => {
  it.each(Object.entries(violations))(
    'ends only its session, with a reason and one warning: %s',
    async (_, [code, reason, ...frames]) => {
      const frontend = await open();
      for (const frame of frames) {
        if (typeof frame === 'string') frontend.sendText(frame);
        else frontend.sendBinary(frame);
      }
      const closed = await frontend.closed;
      expect(closed).toEqual({ code, reason: expect.stringMatching(reason) });
      await until(() => app.host.sessions.length === 1);
      expect(endings(app.log)).toEqual([expect.stringContaining(`${closed.reason} (${code})`)]);
      expect(app.log.lines.filter(({ level }) => level !== 'log')).toHaveLength(1);
      expect(TestIpcHandler.waiting).toBe(0);
    },
  );

  it('ends its session after messages before it were answered, and ignores messages behind it', async () => {
    const frontend = await app.open();
    TestIpcHandler.calls = 0;
    frontend.sendText(text(0, 'before'));
    frontend.sendText('x');
    for (let i = 1; i < 5; i++) frontend.sendText(text(i, 'behind'));
    frontend.sendText('y');
    expect(await frontend.closed).toMatchObject({ code: 1007 });
    expect(frontend.received).toEqual([{ text: expect.stringContaining('before') }]);
    expect(endings(app.log)).toHaveLength(1);
  });

  const hostile: Record<string, [code: number, ...frames: WebSocketFrame[]]> = {
    'a frame without a mask': [1002, { opcode: Opcode.Text, payload: text(0), masked: false }],
    ...Object.fromEntries(
      [1, 2, 4, 7].map((reserved) => [
        `reserved bits ${reserved}`,
        [1002, { opcode: Opcode.Text, payload: text(0), reserved }] satisfies [number, WebSocketFrame],
      ]),
    ),
    ...Object.fromEntries(
      [3, 7, 11, 15].map((opcode) => [
        `opcode ${opcode}`,
        [1002, { opcode, payload: 'x' }] satisfies [number, WebSocketFrame],
      ]),
    ),
    'a continuation without a beginning': [1002, { opcode: Opcode.Continuation, payload: 'x' }],
    'a text frame within a text frame': [
      1002,
      { opcode: Opcode.Text, payload: 'x', fin: false },
      { opcode: Opcode.Text, payload: 'x' },
    ],
    'a ping in pieces': [1002, { opcode: Opcode.Ping, fin: false }],
    'a ping that is too long': [1002, { opcode: Opcode.Ping, payload: 'x'.repeat(126) }],
    'bytes that are not UTF-8': [1007, { opcode: Opcode.Text, payload: Buffer.of(0x22, 0xff, 0x22) }],
    'half a letter of UTF-8': [1007, { opcode: Opcode.Text, payload: Buffer.of(0xe2, 0x82) }],
    'half of a surrogate pair': [1007, { opcode: Opcode.Text, payload: Buffer.of(0xed, 0xa0, 0x80) }],
    'a frame that is too big': [1009, { opcode: Opcode.Text, payload: 'x'.repeat(limits.messageBytes + 1) }],
    'a length that is too big': [1009, { opcode: Opcode.Binary, declared: 2 * limits.messageBytes + 1025 }],
    'a length of 2^53': [1009, { opcode: Opcode.Binary, declared: 2n ** 53n }],
    'a length of 2^64 - 1': [1009, { opcode: Opcode.Binary, declared: 2n ** 64n - 1n }],
    'pieces that are too big': [
      1009,
      { opcode: Opcode.Binary, payload: new Uint8Array(1_100_000), fin: false },
      { opcode: Opcode.Continuation, payload: new Uint8Array(1_100_000) },
    ],
    'a close code that does not exist': [1002, { opcode: Opcode.Close, payload: Buffer.of(3, 237) }],
    'half a close code': [1002, { opcode: Opcode.Close, payload: Buffer.of(3) }],
    'a close reason that is not UTF-8': [1007, { opcode: Opcode.Close, payload: Buffer.of(3, 232, 0xff) }],
  };

  it.each(Object.entries(hostile))(
    'of WebSocket itself ends only its session: %s',
    async (_, [code, ...frames]) => {
      const bare = await BareFrontend.open(app.port);
      bare.frame(...frames);
      const closed = await bare.closed;
      expect(closed).toEqual({ code, reason: expect.stringMatching(/./) });
      await until(() => app.host.sessions.length === 1);
      expect(endings(app.log)).toEqual([expect.stringContaining(`(${code})`)]);
    },
  );

  it('by a message in a million empty pieces ends only its session', async () => {
    const bare = await BareFrontend.open(app.port);
    const piece = frameBytes({ opcode: Opcode.Continuation, fin: false });
    bare.frame({ opcode: Opcode.Binary, fin: false });
    const pieces = Buffer.concat(Array.from({ length: 10_000 }, () => piece));
    for (let i = 0; i < 100; i++) bare.write(pieces);
    expect(await bare.closed).toEqual({ code: 1008, reason: 'A message came in too many pieces.' });
    await until(() => app.host.sessions.length === 1);
    expect(endings(app.log)).toHaveLength(1);
  });
});

describe('a flood', () => {
  it('of pings from a peer that reads is answered', async () => {
    const bare = await BareFrontend.open(app.port);
    // The server asks as well, when this takes long.
    const answer = async () => {
      for (;;) {
        const { opcode } = await bare.next();
        if (opcode !== Opcode.Ping) return opcode;
      }
    };
    for (let i = 0; i < 5000; i++) {
      bare.frame({ opcode: Opcode.Ping, payload: 'x'.repeat(100) });
      if (i % 50 === 49) for (let n = 0; n < 50; n++) expect(await answer()).toBe(Opcode.Pong);
    }
    bare.text(text(0, 'still there'));
    expect(await bare.nextText()).toContain('still there');
    bare.destroy();
  });

  it('of pings from a peer that does not read ends its session, and fills no memory', async () => {
    const bare = await BareFrontend.open(app.port);
    await until(() => app.host.sessions.length === 2);
    const session = app.host.sessions[1]!;
    bare.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 1000 }, () => frameBytes({ opcode: Opcode.Ping, payload: 'x'.repeat(125) })),
    );
    const { rss } = process.memoryUsage();
    for (let i = 0; i < 500 && session.isOpen; i++) {
      const taken = new Promise<void>((resolve) => bare.socket.write(pings, () => resolve()));
      await Promise.race([taken, session.closed]);
    }
    await session.closed;
    expect(process.memoryUsage().rss - rss).toBeLessThan(200 * 1024 * 1024);
    bare.destroy();
  });

  it('of messages without a listener is ignored', async () => {
    const frontend = await app.open();
    for (let i = 0; i < 20_000; i++) frontend.send(`itwin.nobody-${i}`, i);
    await expect(frontend.invoke(CHANNEL, 'echo', 1)).resolves.toEqual({ result: [1] });
    frontend.terminate();
  });
});
