import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Injectable, UseGuards } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import {
  context,
  createTraceState,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import {
  ActivityLogger,
  IpcChannel,
  IpcSession,
  memoryIpc,
  RpcInterface,
  TransientError,
} from '@linnet/backend';
import { createRpcClient, IpcFrontend, ipcChannel, RpcPendingResponse, rpcOverIpc } from '@linnet/common';
import { enableTelemetry } from '@linnet/common/telemetry';
import { RpcClientModule } from '@linnet/backend';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../harness/ipc.harness.js';
import type { IpcTestApp } from '../harness/ipc.harness.js';
import { settled } from '../harness/waiting.js';
import { deferred } from '../../libs/common/src/base/deferred.js';
import { Collected, isParent } from './collected.js';

const tracer = () => trace.getTracer('test');

abstract class Tiles extends RpcInterface {
  static readonly interfaceName = 'Tiles';
  static interfaceVersion = '1.0.0';
  static readonly operations = {
    query: { stream: true },
    slow: { concurrency: 1 },
    busy: { idempotency: 'safe' },
  } as const;
  async count(_text: string): Promise<number> {
    return this.forward(arguments);
  }
  async fail(): Promise<void> {
    return this.forward(arguments);
  }
  async refuse(): Promise<void> {
    return this.forward(arguments);
  }
  async later(): Promise<string> {
    return this.forward(arguments);
  }
  async busy(): Promise<string> {
    return this.forward(arguments);
  }
  async slow(): Promise<string> {
    return this.forward(arguments);
  }
  async bag(): Promise<string> {
    return this.forward(arguments);
  }
  async log(): Promise<void> {
    return this.forward(arguments);
  }
  query(_items: number): AsyncIterable<Uint8Array> {
    return this.forward(arguments) as never;
  }
}

@Injectable()
class SpanGuard implements CanActivate {
  canActivate() {
    tracer().startSpan('guard').end();
    return true;
  }
}

let asked = 0;
let gate = deferred();

@RpcInterface(Tiles)
class TilesImpl extends Tiles {
  @UseGuards(SpanGuard)
  override async count(text: string) {
    await Promise.resolve();
    tracer().startSpan('database').end();
    return text.length;
  }

  override async fail() {
    throw new TypeError('secret');
  }

  override async refuse() {
    throw Object.assign(new Error('no'), { errorNumber: 65604 + 1 });
  }

  override async later() {
    if (asked++ === 0) throw new RpcPendingResponse('wait');
    return 'done';
  }

  override async busy() {
    if (asked++ === 0) throw new TransientError('busy', 503);
    return 'done';
  }

  override async slow() {
    await gate.promise;
    return 'slow';
  }

  override async bag() {
    const state = trace.getSpanContext(context.active())?.traceState?.get('vendor') ?? 'none';
    return `${propagation.getActiveBaggage()?.getEntry('tenant')?.value ?? 'none'} ${state}`;
  }

  override async log() {
    await Promise.resolve();
    new ActivityLogger({ json: true, colors: false }).log('logged');
  }

  override async *query(items: number) {
    for (let i = 0; i < items; i++) {
      yield new Uint8Array(10);
      tracer().startSpan('item').end();
    }
  }
}

interface DriveFunctions {
  drive(id: string): Promise<string>;
  ask(): Promise<string>;
  crash(): Promise<void>;
}
interface DriveNotifications {
  moved(id: string): void;
}
const driveChannel = ipcChannel<DriveFunctions, DriveNotifications>('drive-v1');

@IpcChannel(driveChannel)
class DriveHandler {
  constructor(private readonly session: IpcSession) {}

  async drive(id: string) {
    await Promise.resolve();
    tracer().startSpan('motor').end();
    void this.session.notifications(driveChannel).moved(id);
    return id;
  }

  async ask() {
    return (await this.session.callIpcChannel('dialog', 'confirm', 'go?')) as string;
  }

  async crash() {
    throw new Error('broken');
  }
}

const collected = new Collected();
let disable: () => void;
let app: IpcTestApp;
let url: string;

beforeAll(async () => {
  disable = enableTelemetry({ notifications: true });
  app = await startIpcApp({ rpc: {}, providers: [TilesImpl, DriveHandler] });
  url = `http://127.0.0.1:${app.port}`;
});
afterEach(() => collected.reset());
afterAll(async () => {
  await closeIpcApps();
  disable();
  collected.end();
});

/** Runs work within a span of a page. @returns its span when it has ended */
async function click<T>(work: () => Promise<T>) {
  const result = await tracer().startActiveSpan('click', async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
  return { result, root: await collected.one('click', SpanKind.INTERNAL) };
}

/** Runs work below a span of another process, with a state of its trace and baggage. */
function laden<T>(work: () => T): T {
  const bag = propagation.createBaggage({ tenant: { value: 'blue' } });
  const remote = trace.setSpanContext(propagation.setBaggage(context.active(), bag), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    traceState: createTraceState('vendor=7'),
  });
  return context.with(remote, work);
}

const transports: Record<string, () => Promise<{ tiles: any; close: () => void }>> = {
  HTTP: async () => ({
    tiles: createRpcClient({ uriPrefix: url, pendingIntervalMs: 1, retry: { pauseMs: 1 } }).client(Tiles),
    close: () => undefined,
  }),
  'a WebSocket': async () => overIpc(webSocketIpc(`${url.replace('http', 'ws')}/ipc`)),
  memory: async () => overIpc(memoryIpc(app.app)),
};

async function overIpc(connector: ReturnType<typeof webSocketIpc>) {
  const frontend = new IpcFrontend(connector);
  await frontend.ready;
  const options = { transport: rpcOverIpc(frontend), pendingIntervalMs: 1, retry: { pauseMs: 1 } };
  return { tiles: createRpcClient(options).client(Tiles), close: () => frontend.close() };
}

describe.each(Object.entries(transports))('a call of an operation over %s', (name, connect) => {
  let tiles: any;
  let close: () => void;
  const isHttp = name === 'HTTP';

  beforeAll(async () => ({ tiles, close } = await connect()));
  afterAll(() => close());

  it('is one trace: caller, client, server, guard and method', async () => {
    const { result, root } = await click(() => tiles.with({ activityId: 'click 7' }).count('abc'));
    expect(result).toBe(3);
    const client = await collected.one('Tiles/count', SpanKind.CLIENT);
    const server = await collected.one('Tiles/count', SpanKind.SERVER);
    expect(isParent(root, client)).toBe(true);
    expect(isParent(client, server)).toBe(true);
    for (const inner of ['guard', 'database'])
      expect(isParent(server, await collected.one(inner, SpanKind.INTERNAL))).toBe(true);
    for (const span of [client, server])
      expect(span.attributes).toMatchObject({
        'rpc.system.name': 'linnet',
        'rpc.method': 'Tiles/count',
        'linnet.activity.id': 'click 7',
        'network.protocol.name': isHttp ? 'http' : 'linnet.ipc',
      });
    expect(server.status.code).toBe(SpanStatusCode.UNSET);
    const address = { 'server.address': '127.0.0.1', 'server.port': app.port };
    if (name === 'memory') expect(client.attributes).not.toHaveProperty(['server.address']);
    else expect(client.attributes).toMatchObject(address);
    if (isHttp) expect(server.attributes).toMatchObject(address);
    else expect(server.attributes['session.id']).toEqual(expect.any(String));
  });

  it('has its trace and its activity on each line of the log', async () => {
    const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const { root } = await click(() => tiles.with({ activityId: 'logged click' }).log());
    const lines = written.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('logged'));
    written.mockRestore();
    const server = await collected.one('Tiles/log', SpanKind.SERVER);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      message: 'logged',
      ActivityId: 'logged click',
      TraceId: root.spanContext().traceId,
      SpanId: server.spanContext().spanId,
    });
  });

  it('carries baggage and the state of the trace', async () => {
    await expect(laden(() => tiles.bag())).resolves.toBe('blue 7');
  });

  it('has the error of a fault at both ends, and its text only at the server', async () => {
    await expect(tiles.fail()).rejects.toThrow('Internal error');
    const client = await collected.one('Tiles/fail', SpanKind.CLIENT);
    const server = await collected.one('Tiles/fail', SpanKind.SERVER);
    expect(server.status).toEqual({ code: SpanStatusCode.ERROR, message: 'secret' });
    expect(server.attributes['error.type']).toBe('_OTHER');
    expect(server.events[0]).toMatchObject({ name: 'exception' });
    expect(client.status.code).toBe(SpanStatusCode.ERROR);
    expect(JSON.stringify(client.events)).not.toContain('secret');
  });

  it('is not a failure of the server if the error is meant for the caller', async () => {
    await expect(tiles.refuse()).rejects.toThrow('no');
    const server = await collected.one('Tiles/refuse', SpanKind.SERVER);
    expect(server.status.code).toBe(SpanStatusCode.UNSET);
    expect(server.attributes).toMatchObject({ 'error.type': '65605', 'rpc.response.status_code': '65605' });
    expect((await collected.one('Tiles/refuse', SpanKind.CLIENT)).status.code).toBe(SpanStatusCode.ERROR);
  });

  it('has an event for a pending answer, and a server span for each request', async () => {
    asked = 0;
    await expect(tiles.later()).resolves.toBe('done');
    const client = await collected.one('Tiles/later', SpanKind.CLIENT);
    expect(client.events.map(({ name }) => name)).toEqual(['pending']);
    const servers = (await collected.named('Tiles/later', 3)).filter(({ kind }) => kind === SpanKind.SERVER);
    expect(servers.map(({ attributes }) => attributes['rpc.response.status_code'])).toEqual([
      'pending',
      undefined,
    ]);
    expect(servers.every((server) => isParent(client, server))).toBe(true);
  });

  it('reports how long it has waited for its turn', async () => {
    gate = deferred();
    const both = Promise.all([tiles.slow(), tiles.slow()]);
    await settled();
    gate.resolve();
    await both;
    const all = await collected.named('Tiles/slow', 4);
    const waited = all.flatMap(({ events }) => events.filter(({ name }) => name === 'begun'));
    expect(waited).toHaveLength(1);
    expect(waited[0]!.attributes!['linnet.queue.wait_ms']).toEqual(expect.any(Number));
  });

  it('lasts as long as its stream, and counts the items', async () => {
    const items: Uint8Array[] = [];
    for await (const item of tiles.query(3)) items.push(item);
    expect(items).toHaveLength(3);
    const ends = [
      await collected.one('Tiles/query', SpanKind.CLIENT),
      await collected.one('Tiles/query', SpanKind.SERVER),
    ];
    for (const { attributes, events } of ends) {
      expect(events.map(({ name }) => name)).toEqual(['first item']);
      expect(attributes).toMatchObject({
        'linnet.stream.items': 3,
        'linnet.stream.bytes': 30,
        'linnet.stream.end': 'complete',
      });
    }
    const produced = await collected.named('item', 3);
    expect(produced.every((item) => isParent(ends[1]!, item))).toBe(true);
  });

  it('ends with a reader that leaves', async () => {
    for await (const _item of tiles.query(1_000_000)) break;
    const server = await collected.one('Tiles/query', SpanKind.SERVER);
    expect(server.attributes['linnet.stream.end']).toBe('left');
    const client = await collected.one('Tiles/query', SpanKind.CLIENT);
    expect(client.attributes['linnet.stream.items']).toBe(1);
  });
});

it('an event names the reason for a repetition', async () => {
  asked = 0;
  const { tiles } = await transports['HTTP']!();
  await expect(tiles.busy()).resolves.toBe('done');
  const client = await collected.one('Tiles/busy', SpanKind.CLIENT);
  expect(client.events[0]).toMatchObject({ name: 'retry', attributes: { 'linnet.retry.reason': 'busy' } });
});

const wires: Record<string, () => ReturnType<typeof webSocketIpc>> = {
  'a WebSocket': () => webSocketIpc(`${url.replace('http', 'ws')}/ipc`),
  memory: () => memoryIpc(app.app),
};

describe.each(Object.entries(wires))('a channel over %s', (name, connector) => {
  let frontend: IpcFrontend;

  beforeAll(async () => {
    frontend = new IpcFrontend(connector());
    await frontend.ready;
  });
  afterAll(() => frontend.close());

  it('has its call, its method and the notification in one trace', async () => {
    const moved = new Promise((resolve) =>
      frontend.addListener(driveChannel, (_event, ...all) => resolve(all)),
    );
    const drive = frontend.makeIpcProxy<DriveFunctions>(driveChannel);
    const { root } = await click(() => drive.drive('r1'));
    await moved;
    const client = await collected.one('drive-v1/drive', SpanKind.CLIENT);
    const server = await collected.one('drive-v1/drive', SpanKind.SERVER);
    const sent = await collected.one('send drive-v1', SpanKind.PRODUCER);
    const received = await collected.one('process drive-v1', SpanKind.CONSUMER);
    expect(isParent(root, client)).toBe(true);
    expect(isParent(client, server)).toBe(true);
    expect(isParent(server, await collected.one('motor', SpanKind.INTERNAL))).toBe(true);
    for (const span of [client, server])
      expect(span.attributes).toMatchObject({
        'rpc.system.name': 'linnet',
        'rpc.method': 'drive-v1/drive',
        'network.protocol.name': 'linnet.ipc',
      });
    expect(server.attributes['session.id']).toEqual(expect.any(String));
    expect([client.attributes['server.address'], client.attributes['server.port']]).toEqual(
      name === 'memory' ? [undefined, undefined] : ['127.0.0.1', app.port],
    );
    expect(isParent(server, sent)).toBe(true);
    expect(isParent(sent, received)).toBe(true);
    expect(sent.attributes).toMatchObject({
      'messaging.system': 'linnet',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'drive-v1',
    });
  });

  it('continues the trace in a call from the backend', async () => {
    frontend.handle('dialog', (_method, question) => {
      tracer().startSpan('answering').end();
      return { result: `${String(question)} yes` };
    });
    const drive = frontend.makeIpcProxy<DriveFunctions>(driveChannel);
    await expect(drive.ask()).resolves.toBe('go? yes');
    const server = await collected.one('drive-v1/ask', SpanKind.SERVER);
    const back = await collected.one('dialog/confirm', SpanKind.CLIENT);
    const answer = await collected.one('dialog', SpanKind.SERVER);
    expect(isParent(server, back)).toBe(true);
    expect(isParent(back, answer)).toBe(true);
    expect(isParent(answer, await collected.one('answering', SpanKind.INTERNAL))).toBe(true);
  });

  it('has the error of a handler at both ends', async () => {
    const drive = frontend.makeIpcProxy<DriveFunctions>(driveChannel);
    await expect(drive.crash()).rejects.toThrow('broken');
    for (const kind of [SpanKind.CLIENT, SpanKind.SERVER])
      expect((await collected.one('drive-v1/crash', kind)).status.code).toBe(SpanStatusCode.ERROR);
  });

  it('continues the trace of a message from the frontend', async () => {
    const heard = new Promise<void>((resolve) => {
      const remove = app.host.addListener('chat', () => {
        tracer().startSpan('heard').end();
        remove();
        resolve();
      });
    });
    await click(async () => frontend.send('chat', 'hello'));
    await heard;
    const sent = await collected.one('send chat', SpanKind.PRODUCER);
    const received = await collected.one('process chat', SpanKind.CONSUMER);
    expect(isParent(await collected.one('click', SpanKind.INTERNAL), sent)).toBe(true);
    expect(isParent(sent, received)).toBe(true);
    expect(isParent(received, await collected.one('heard', SpanKind.INTERNAL))).toBe(true);
  });
});

it('a call over the compatible wire begins a trace of its own at the server', async () => {
  const at = `${url.replace('http', 'ws')}/ipc`;
  const frontend = new IpcFrontend(webSocketIpc(at, { compatible: true }), { reconnect: false });
  await frontend.ready;
  const drive = frontend.makeIpcProxy<DriveFunctions>(driveChannel);
  await click(() => drive.drive('r2'));
  const client = await collected.one('drive-v1/drive', SpanKind.CLIENT);
  const server = await collected.one('drive-v1/drive', SpanKind.SERVER);
  expect(server.parentSpanContext).toBeUndefined();
  expect(server.spanContext().traceId).not.toBe(client.spanContext().traceId);
  frontend.close();
});

it('a relay continues the trace, with its state and baggage', async () => {
  const relay = await startIpcApp({
    rpc: {},
    imports: [RpcClientModule.forFeature([{ interface: Tiles, uriPrefix: url, expose: true }])],
  });
  const client = createRpcClient({ uriPrefix: `http://127.0.0.1:${relay.port}` });
  await expect(laden(() => client.client(Tiles).bag())).resolves.toBe('blue 7');
  await click(() => client.client(Tiles).count('abc'));
  const all = await collected.named('Tiles/count', 4);
  const chain = [
    all.find(({ parentSpanContext: parent }) => parent?.spanId === root()?.spanContext().spanId)!,
  ];
  while (chain.length < 4) chain.push(all.find((span) => isParent(chain.at(-1)!, span))!);
  expect(chain.map(({ kind }) => kind)).toEqual([
    SpanKind.CLIENT,
    SpanKind.SERVER,
    SpanKind.CLIENT,
    SpanKind.SERVER,
  ]);
  function root() {
    return collected.spans.find(({ name }) => name === 'click');
  }
});

it('an operation that does not exist makes no span at the server', async () => {
  const { status } = await app.send({ target: '/Tiles-1.0.0-evil', body: '[]' });
  expect(status).toBe(500);
  const frontend = new IpcFrontend(webSocketIpc(`${url.replace('http', 'ws')}/ipc`));
  await expect(frontend.callIpcChannel('evil', 'x')).rejects.toThrow('No handler');
  await expect(frontend.callIpcChannel(driveChannel, 'evil')).rejects.toThrow('not found');
  frontend.close();
  expect(collected.spans.filter(({ kind }) => kind === SpanKind.SERVER)).toEqual([]);
});
