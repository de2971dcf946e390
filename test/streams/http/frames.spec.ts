import { describe, expect, it } from '@jest/globals';
import { createRpcClient } from '@linnet/common';
import type { RpcClientOptions } from '@linnet/common';
import { blocksOf, readGuide } from '../../docs/guide.js';
import { Flow } from './flow.js';
import { settled, until } from '../../harness/waiting.js';

const type = 'application/vnd.linnet.stream';

/** A client of a server that answers with these bytes, in chunks of a size. */
function answering(bytes: Uint8Array, chunk = bytes.byteLength, options = {}) {
  const left = { hasLeft: false };
  const chunks = (function* () {
    for (let at = 0; at < bytes.byteLength; at += chunk) yield bytes.slice(at, at + chunk);
  })();
  const client = createRpcClient({
    uriPrefix: 'http://server',
    ...options,
    send: async () => ({
      status: 200,
      header: (name) => (name === 'content-type' ? type : null),
      body: new Uint8Array(),
      stream: {
        next: async () => chunks.next() as IteratorResult<Uint8Array, undefined>,
        return: async () => {
          left.hasLeft = true;
          return { done: true, value: undefined };
        },
      },
    }),
  }).client<Flow>(Flow);
  return { client, left };
}

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const frame = (kind: number, content: string | Uint8Array = '', length?: number) => {
  const bytes = Buffer.from(content as string);
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32LE(length ?? bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
};
const end = frame(4);

const countTimers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('the frames of a stream', () => {
  const { code } = blocksOf(readGuide('docs/wire-extension.md').text).find(({ code: text }) =>
    text.startsWith('01 01 00'),
  )!;
  const example = Buffer.from(code.replaceAll(/\s/g, ''), 'hex');

  it.each([1, 2, 3, 7, 100])('are read in chunks of %i bytes', async (chunk) => {
    const { client } = answering(example, chunk);
    expect(await collect(client.items())).toEqual([1, undefined, Uint8Array.of(4, 5)]);
  });

  it('are read from a body that was received whole', async () => {
    const client = createRpcClient({
      uriPrefix: 'http://server',
      send: async () => ({ status: 200, header: () => type, body: example }),
    }).client<Flow>(Flow);
    expect(await collect(client.items())).toEqual([1, undefined, Uint8Array.of(4, 5)]);
  });

  it('may be signs of life and progress, which are ignored', async () => {
    const { client } = answering(Buffer.concat([frame(0), frame(6, '0.5'), frame(1, '7'), frame(0), end]));
    expect(await collect(client.items())).toEqual([7]);
  });

  it.each<[string, Uint8Array]>([
    ['no end', frame(1, '1')],
    ['nothing', new Uint8Array()],
    ['half a head', end.subarray(0, 3)],
    ['half a content', frame(1, '12', 3)],
    ['an unknown kind', frame(7)],
    ['content in the end', frame(4, 'x')],
    ['text that is not JSON', Buffer.concat([frame(1, '{'), end])],
    ['text that is nested too deeply', Buffer.concat([frame(1, '['.repeat(100_000)), end])],
    ['a marker without its bytes', frame(1, '{"isBinary":true,"index":0,"size":1,"chunks":1}')],
    ['blocks without a block', frame(3, new Uint8Array(4))],
    ['blocks of another length', frame(3, new Uint8Array(7))],
    ['an error that is not JSON', frame(5, 'x')],
  ])('reject the stream if they have %s', async (_fault, bytes) => {
    const { client } = answering(bytes, 1000);
    await expect(collect(client.items())).rejects.toMatchObject({
      name: 'ServerError',
      message: expect.stringContaining('The stream is broken: '),
    });
  });

  it.each([
    [1, 'maxResponseText'],
    [2, 'maxResponseBytes'],
    [3, 'maxResponseBytes'],
    [5, 'maxResponseText'],
  ])('of kind %i are rejected above a limit, before their content is read', async (kind, name) => {
    const bytes = Buffer.concat([frame(kind, '', 0xffff_ffff), Buffer.alloc(10_000)]);
    const { client, left } = answering(bytes, 5, { maxResponseText: 1000, maxResponseBytes: 2000 });
    await expect(collect(client.items())).rejects.toThrow(name);
    expect(left.hasLeft).toBe(true);
  });
});

describe('a call that has reported progress', () => {
  /** Calls a server that answers with these frames, one list for each request. */
  async function call(answers: Uint8Array[][], options: RpcClientOptions = {}) {
    const seen: unknown[] = [];
    const client = createRpcClient({
      uriPrefix: 'http://server',
      pendingIntervalMs: 10,
      ...options,
      send: async () => ({ status: 200, header: () => type, body: Buffer.concat(answers.shift()!) }),
    });
    client.addListener((event) => event.kind === 'pending' && seen.push(event.message));
    const flow = client.client<Flow>(Flow).with({ onProgress: (value) => seen.push(value) });
    return { seen, result: await flow.report(2).catch((error: unknown) => error) };
  }
  const control = (managedStatus: string, responseValue: unknown) =>
    frame(5, JSON.stringify({ iTwinRpcCoreResponse: true, managedStatus, responseValue }));

  it('is repeated if it is pending', async () => {
    const { seen, result } = await call([
      [frame(6, '1'), control('pending', 'half')],
      [frame(6, '2'), frame(1, '"done"'), end],
    ]);
    expect([seen, result]).toEqual([[1, 'half', 2], 'done']);
  });

  it('is repaired if it is not found', async () => {
    const lost: unknown[] = [];
    const onNotFound = async ({ response }: { response: object }) => lost.push(response) > 0;
    const answers = [
      [frame(6, '1'), control('notFound', '{"hint":7}')],
      [frame(1, '"done"'), end],
    ];
    const { result } = await call(answers, { onNotFound });
    expect([lost, result]).toEqual([[{ hint: 7 }], 'done']);
  });

  it.each([
    ['an error', '{"message":"torn"}', 'torn'],
    [
      'a control response that is not JSON',
      JSON.stringify({ iTwinRpcCoreResponse: true, responseValue: '{' }),
      'is not JSON',
    ],
    ['a control response without a value', JSON.stringify({ iTwinRpcCoreResponse: true }), ''],
  ])('rejects with %s', async (_what, content, message) => {
    const { result } = await call([[frame(6, '1'), frame(5, content)]]);
    expect(result).toBeInstanceOf(Error);
    expect((result as Error).message).toContain(message);
  });
});

describe('a resumable stream', () => {
  /** A client of a server that answers its requests with these frames, one list for each request. */
  function answeringInTurn(...answers: Uint8Array[][]) {
    const asked: (string | undefined)[] = [];
    const client = createRpcClient({
      uriPrefix: 'http://server',
      retry: { pauseMs: 10 },
      send: async ({ headers }) => {
        asked.push(headers['last-event-id']);
        const body = answers.shift();
        if (!body) throw new Error('gone');
        return { status: 200, header: () => type, body: Buffer.concat(body) };
      },
    }).client<Flow>(Flow);
    return { asked, client };
  }

  it('is continued behind the items that arrived before its connection broke', async () => {
    const first = [frame(1, '1'), frame(1, '2')];
    const { asked, client } = answeringInTurn(first, [], [frame(1, '3')], [frame(1, '4'), end]);
    expect(await collect(client.from(4))).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual([undefined, '2', '2', '3']);
  });

  it('rejects if the server cannot be reached again', async () => {
    const { asked, client } = answeringInTurn([frame(1, '1')]);
    await expect(collect(client.from(4))).rejects.toThrow('The server cannot be reached');
    expect(asked).toEqual([undefined, '1', '1', '1', '1', '1']);
  });

  it('is the only one that is continued', async () => {
    const { asked, client } = answeringInTurn([frame(1, '1')], [frame(1, '2'), end]);
    await expect(collect(client.count(4))).rejects.toThrow('The connection ended before the stream');
    expect(asked).toEqual([undefined]);
  });

  it('is over at once if the call is aborted while it waits to reconnect', async () => {
    const { client } = answeringInTurn([frame(1, '1')]);
    const abort = new AbortController();
    const items = client.with({ signal: abort.signal, retry: { pauseMs: 100_000 } });
    const over = collect(items.from(4));
    void settled().then(() => abort.abort(new Error('enough')));
    await expect(over).rejects.toThrow('enough');
  });

  it('ends its pending read at once if its reader leaves while it waits to reconnect', async () => {
    const { asked, client } = answeringInTurn([frame(1, '1')], [frame(1, '2'), end]);
    const timers = countTimers();
    const stream = client.with({ retry: { pauseMs: 100_000 } }).from(4);
    const items = stream[Symbol.asyncIterator]();
    await items.next();
    const pending = items.next();
    await until(() => countTimers() > timers);
    expect(await items.return!()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(countTimers()).toBe(timers);
    expect(asked).toEqual([undefined]);
  });

  it('is not continued behind an error of the method', async () => {
    const { asked, client } = answeringInTurn([frame(1, '1'), frame(5, '{"message":"over"}')]);
    await expect(collect(client.from(4))).rejects.toThrow('over');
    expect(asked).toEqual([undefined]);
  });
});
