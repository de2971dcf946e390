import { afterEach, describe, expect, it } from '@jest/globals';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { messagePortIpc } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { until } from '../../harness/waiting.js';
import { end, failureOf, letGo, log, open, portOf, prototypeMember, raw, start } from './attack.harness.js';

const ends: (() => void)[] = [];
afterEach(async () => {
  for (const each of ends.splice(0)) each();
  await end();
});

const DURABLE = ['itwin.ipc', 'linnet.ipc.1'];
const PROTO = '{"__proto__":{"a":1}}';
const PROTO_ESCAPED = String.raw`{"\u005f_proto__":{"a":1}}`;

/** A message of the compatible wire, as text; `data` is JSON text as well. */
function compatible(sequence: number, members: string, data: string): string {
  return JSON.stringify([`{${members},"data":${data},"sequence":${sequence}}`, 0]);
}
const call = (sequence: number, request: number, data: string, channel = 'itwin.target', method = 'echo') =>
  JSON.stringify([
    `{"type":2,"channel":"${channel}","method":"${method}","data":${data},"request":${request},"sequence":${sequence}}`,
    0,
  ]);

/** Sends frames by hand, and gives what has come back when the last call is answered. */
async function exchange(protocols: string[], frames: (string | Uint8Array)[], limits = {}): Promise<string> {
  const app = await start({ limits });
  const peer = await raw(app, protocols, protocols.length > 0 ? '[9]' : undefined);
  if (protocols.length > 0) await until(() => peer.frames[0]);
  for (const frame of frames) peer.socket.send(frame);
  await until(() => peer.frames.join().includes('last'));
  expect(app.host.sessions).toHaveLength(1);
  return peer.frames.join('\n').replaceAll('\\', '');
}

/** One text frame in blocks, with a part behind it. */
function blocks(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  // Blocks begin at multiples of eight.
  const frame = Buffer.alloc(16 + Math.ceil(bytes.length / 8) * 8 + 1);
  for (const [i, word] of [2, bytes.length, 1].entries()) frame.writeUInt32LE(word, 4 * i);
  bytes.copy(frame, 16);
  return frame;
}

describe('a member named __proto__', () => {
  it.each<[string, string[], (string | Uint8Array)[]]>([
    [
      'on the compatible wire',
      [],
      [call(0, 7, `[${PROTO}]`), call(1, 8, `[${PROTO_ESCAPED}]`), call(2, 9, '["last"]')],
    ],
    [
      'on the durable wire',
      DURABLE,
      [
        `[0,[2,7,"itwin.target","echo",[${PROTO}],"id"],[2,8,"itwin.target","echo",[${PROTO_ESCAPED}],"id"],[2,9,"itwin.target","echo",["last"],"id"]]`,
      ],
    ],
    [
      'on the durable wire, with bytes',
      DURABLE,
      [
        blocks(`[0,[2,7,"itwin.target","echo",[${PROTO}],"id"]]`),
        blocks(`[1,[2,8,"itwin.target","echo",[${PROTO_ESCAPED}],"id"]]`),
        '[2,[2,9,"itwin.target","echo",["last"],"id"]]',
      ],
    ],
  ])('fails only its own call %s', async (_name, protocols, frames) => {
    const answers = await exchange(protocols, frames);
    expect(answers.match(/may not be named "__proto__/g)).toHaveLength(2);
    expect(log).toEqual([['echo', 'last']]);
  });

  it('fails only its own call over a message port', async () => {
    const app = await start();
    const port = portOf(app);
    const frames: any[] = [];
    port.on('message', (frame: unknown) => void frames.push(frame));
    port.postMessage([9]);
    await until(() => frames.length > 0);
    port.postMessage([
      0,
      [2, 7, 'itwin.target', 'echo', [prototypeMember()], 'id'],
      [0, 'itwin.heard', [prototypeMember()]],
      [2, 8, 'itwin.target', 'echo', ['last'], 'id'],
    ]);
    await until(() => JSON.stringify(frames).includes('last'));
    const answers = frames.slice(1).flatMap((frame: any[]) => frame.slice(1)) as any[][];
    expect(answers.find(([type, request]) => type === 3 && request === 7)?.[3].error.message).toContain(
      '__proto__',
    );
    expect(log).toEqual([['echo', 'last']]);
  });

  it.each<[string, string[], string[]]>([
    [
      'the compatible wire',
      [],
      [compatible(0, '"type":0,"channel":"itwin.heard"', `[${PROTO}]`), call(1, 9, '["last"]')],
    ],
    [
      'the durable wire',
      DURABLE,
      [`[0,[0,"itwin.heard",[${PROTO}]],[2,9,"itwin.target","echo",["last"],"id"]]`],
    ],
  ])('makes the backend ignore a notification on %s', async (_name, protocols, frames) => {
    await exchange(protocols, frames);
    expect(log).toEqual([['echo', 'last']]);
  });
});

describe('a text above textLength', () => {
  const limits = { textLength: 10_000 };
  const LONG = `["${'x'.repeat(12_000)}"]`;
  const QUOTES = JSON.stringify(['"'.repeat(4000)]);

  it.each<[string, string[], string[]]>([
    ['the compatible wire', [], [call(0, 7, LONG), call(1, 8, QUOTES), call(2, 9, '["last"]')]],
    [
      'the durable wire',
      DURABLE,
      [
        `[0,[8,0],[2,7,"itwin.target","echo",${LONG},"id",60000],[12]]`,
        `[1,[2,8,"itwin.target","echo",${QUOTES},"id"],[2,9,"itwin.target","echo",["last"],"id"]]`,
      ],
    ],
  ])('fails only its own call, and escapes do not count, on %s', async (_name, protocols, frames) => {
    const answers = await exchange(protocols, frames, limits);
    expect(answers).toContain('larger than 10000 characters');
    expect(log).toEqual([
      ['echo', '"'.repeat(4000)],
      ['echo', 'last'],
    ]);
  });

  it.each<[string, string[], string]>([
    ['a notification on the compatible wire', [], compatible(0, '"type":0,"channel":"itwin.heard"', LONG)],
    ['a call of three times the limit on the compatible wire', [], call(0, 7, `["${'x'.repeat(30_000)}"]`)],
    ['a notification on the durable wire', DURABLE, `[0,[0,"itwin.heard",${LONG}]]`],
    [
      'a call of three times the limit on the durable wire',
      DURABLE,
      `[0,[2,7,"itwin.target","echo",["${'x'.repeat(30_000)}"],"id"]]`,
    ],
  ])('ends the session if it is in %s', async (_n, protocols, frame) => {
    const app = await start({ limits });
    const peer = await raw(app, protocols, protocols.length > 0 ? '[9]' : undefined);
    if (protocols.length > 0) await until(() => peer.frames[0]);
    peer.socket.send(frame);
    expect((await peer.closed).code).toBe(1009);
  });

  it('fails only its own call if it is many lists, which count more than their characters', async () => {
    const lists = `[[${'[],'.repeat(1_800_000)}[]]]`;
    const answers = await exchange([], [call(0, 7, lists), call(1, 9, '["last"]')], {
      textLength: 6_000_000,
    });
    expect(answers).toContain('larger than 6000000 characters');
    expect(log).toEqual([['echo', 'last']]);
  });
});

/** A backend by hand: gives each frame to what answers it. */
async function backendOf(
  answer: (frame: string, socket: WebSocket) => void,
  protocol?: string,
): Promise<string> {
  const server = new WebSocketServer({ port: 0, handleProtocols: () => protocol ?? false });
  ends.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', (socket) => socket.on('message', (data) => answer(String(data), socket)));
  await new Promise((resolve) => server.on('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

function frontendOf(
  connector: ConstructorParameters<typeof IpcFrontend>[0],
  textLength: number,
): IpcFrontend {
  const frontend = new IpcFrontend(connector, { limits: { textLength } });
  ends.push(() => frontend.close());
  return frontend;
}

interface Channel {
  m(): Promise<string>;
}

describe('an answer that cannot be accepted', () => {
  const answers: [string, string, RegExp][] = [
    ['with a member named __proto__', `{"result":${PROTO}}`, /__proto__/],
    ['with too much text', `{"result":"${'x'.repeat(12_000)}"}`, /larger than 10000/],
  ];

  it.each(answers)(
    'fails only its own call on the compatible wire: an answer %s',
    async (_name, data, message) => {
      let sequence = 0;
      const respond = (response: number, text: string) =>
        JSON.stringify([
          `{"type":3,"channel":"itwin.c","response":${response},"data":${text},"sequence":${sequence++}}`,
          0,
        ]);
      const url = await backendOf((frame, socket) => {
        const { request } = JSON.parse((JSON.parse(frame) as [string])[0]) as { request: number };
        socket.send(respond(request, request === 1 ? data : '{"result":"fine"}'));
      });
      const frontend = frontendOf(webSocketIpc(url, { compatible: true }), 10_000);
      const c = frontend.makeIpcProxy<Channel>('c');
      const [bad, good] = [failureOf(c.m()), c.m()];
      expect((await bad).message).toMatch(message);
      expect(await good).toBe('fine');
      expect(frontend.state).toBe('open');
    },
  );

  it.each(answers)(
    'fails only its own call on the durable wire: an answer %s',
    async (_name, data, message) => {
      let first = 0;
      const url = await backendOf((frame, socket) => {
        const list = JSON.parse(frame) as any[];
        if (list[0] === 9) socket.send('[10,"s","k",30000,0]');
        else
          for (const [type, request] of list.slice(1))
            if (type === 2)
              socket.send(
                `[${first++},[3,${request},"itwin.c",${request === 1 ? data : '{"result":"fine"}'}]]`,
              );
      }, 'linnet.ipc.1');
      const frontend = frontendOf(webSocketIpc(url), 10_000);
      const c = frontend.makeIpcProxy<Channel>('c');
      const [bad, good] = [failureOf(c.m()), c.m()];
      expect((await bad).message).toMatch(message);
      expect(await good).toBe('fine');
      expect(frontend.state).toBe('open');
    },
  );

  it('fails only its own call over a message port', async () => {
    const { port1, port2 } = new MessageChannel() as { port1: MessagePort; port2: MessagePort };
    ends.push(() => port1.close());
    let first = 0;
    port1.on('message', (list: any[]) => {
      if (list[0] === 9) port1.postMessage([10, 's', '', 0, 0, true]);
      else
        for (const [type, request] of list.slice(1))
          if (type === 2)
            port1.postMessage([
              first++,
              [3, request, 'itwin.c', { result: request === 1 ? prototypeMember() : 'fine' }],
            ]);
    });
    const frontend = frontendOf(messagePortIpc(port2), 10_000);
    const c = frontend.makeIpcProxy<Channel>('c');
    const [bad, good] = [failureOf(c.m()), c.m()];
    expect((await bad).message).toMatch(/__proto__/);
    expect(await good).toBe('fine');
  });

  it('fails only its own call if that is a call of the backend', async () => {
    const app = await start({});
    const peer = await raw(app, DURABLE, '[9]');
    await until(() => peer.frames[0]);
    const called = failureOf(app.host.sessions[0]!.invoke('ask'));
    const [, reply] = (await until(() => /"(itwin\.ask-invoke_response-\d+)"/.exec(peer.frames.join())))!;
    peer.socket.send(`[0,[0,"${reply}",[${PROTO}]]]`);
    expect((await called).message).toMatch(/__proto__/);
    expect(app.host.sessions).toHaveLength(1);
  });
});

describe('calls above pendingCalls', () => {
  it('wait for their turn, in order', async () => {
    const app = await start({ limits: { pendingCalls: 10 } });
    const { frontend, target } = open(app, 'durable');
    await frontend.ready;
    const numbers = Array.from({ length: 1500 }, (_, i) => i);
    const answers = await Promise.all(
      numbers.map((n) => {
        if (n % 3 === 0) frontend.send('heard', n);
        return target.echo(n);
      }),
    );
    expect(answers).toEqual(numbers);
    const logged = (kind: string) =>
      log.filter(([what]: any) => what === kind).map(([, n]: any) => n as number);
    expect(logged('echo')).toEqual(numbers);
    expect(logged('heard')).toEqual(numbers.filter((n) => n % 3 === 0));
  });

  it('do not run if they are cancelled while they wait', async () => {
    const app = await start({ limits: { pendingCalls: 1 } });
    const { frontend, target } = open(app, 'durable');
    await frontend.ready;
    const held = target.hold();
    const abort = new AbortController();
    const given = frontend.makeIpcProxy<{ echo(value: unknown): unknown }>('target', {
      signal: abort.signal,
    });
    const gone = failureOf(given.echo('cancelled'));
    const kept = target.echo('kept');
    abort.abort(new Error('enough'));
    expect((await gone).message).toBe('enough');
    // A reply does not wait, and comes behind everything that was sent before it.
    frontend.handle('ask', () => 'replied');
    expect(await app.host.sessions[0]!.invoke('ask')).toBe('replied');
    letGo();
    expect([await held, await kept]).toEqual(['held', 'kept']);
    expect(log).toEqual([['echo', 'kept']]);
  });

  it('are refused if too many bytes wait, and smaller calls are not', async () => {
    const app = await start({ limits: { pendingCalls: 1, queuedBytes: 100_000 } });
    const { frontend, target, states } = open(app, 'durable');
    await frontend.ready;
    const held = target.hold();
    const large = 'x'.repeat(40_000);
    const calls = [
      target.echo(large),
      target.echo(large),
      failureOf(target.echo(large)),
      target.echo('small'),
    ];
    expect(((await calls[2]) as Error).message).toContain('more bytes than there is space for');
    letGo();
    expect(await held).toBe('held');
    expect(await calls[3]).toBe('small');
    expect(states).toEqual(['open']);
  });

  it('do not delay a reply that a handler waits for', async () => {
    const app = await start({ limits: { pendingCalls: 1 } });
    app.host.handle('asks', () => app.host.sessions[0]!.invoke('ask'));
    const { frontend, target } = open(app, 'durable');
    await frontend.ready;
    frontend.handle('ask', () => 'replied');
    const asked = frontend.invoke('asks', 'm');
    expect(await target.echo('behind')).toBe('behind');
    expect(await asked).toBe('replied');
  });
});

describe('RPC over IPC', () => {
  const RPC = 'itwin.itwinjs-core/rpc-over-ipc';
  const request = (operation: string, protocolVersion: unknown) =>
    JSON.stringify([
      {
        definition: { interfaceName: 'Clock', interfaceVersion: '1.0.0' },
        operation,
        parameters: [],
        context: { applicationId: '', applicationVersion: '', id: 'a', sessionId: 's', protocolVersion },
      },
    ]);

  it('has no method except "request"', async () => {
    const answers = await exchange(
      [],
      [
        call(0, 7, request('left', '2'), RPC, 'run'),
        call(1, 8, request('left', '2'), RPC, 'request'),
        call(2, 9, '["last"]'),
      ],
    );
    expect(answers).toContain(
      '"RpcOverIpc.run" not found on IpcHandler registered for channel: itwinjs-core/rpc-over-ipc',
    );
    expect(answers.match(/"result":null/g)).toHaveLength(1);
  });

  it('accepts the protocol version as a number or a text', async () => {
    const frames = [1, '1', 2, '2', 'x'].map((version, i) =>
      call(i, i + 1, request('later', version), RPC, 'request'),
    );
    const answers = await exchange([], [...frames, call(5, 9, '["last"]')]);
    const managed = answers.split('\n').filter((answer) => answer.includes('soon'));
    expect(managed.map((answer) => answer.includes('iTwinRpcCoreResponse'))).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});
