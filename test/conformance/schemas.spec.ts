import { Injectable, UseGuards, UsePipes } from '@nestjs/common';
import type { CanActivate, INestApplication, PipeTransform } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { IpcChannel, IpcHost, IpcModule, memoryIpc, RpcClientModule, RpcInterface } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import {
  createRpcClient,
  ipcChannel,
  ipcError,
  IpcFrontend,
  isIpcError,
  isRpcError,
  rpcError,
  rpcOperations,
  rpcOverIpc,
} from '@linnet/common';
import type { CallReport, RpcClient, RpcStream } from '@linnet/common';
import { IpcApp, IpcHandler } from '@linnet/frontend';
import { makeApp } from '../harness/nest.harness.js';
import type { LogRecorder } from '../harness/nest.harness.js';
import { until } from '../harness/waiting.js';
import { listen, platforms } from '../rpc/plain/plain.servers.js';
import { ITwinClient, toITwin } from './http/itwin.client.js';

const articleSchema = z.object({ name: z.string(), size: z.object({ width: z.number().positive() }) });
type Article = z.infer<typeof articleSchema>;
const notEnough = z.object({ left: z.number() });

abstract class Stock {
  static readonly interfaceName = 'Stock';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = rpcOperations<Stock>()({
    add: { args: [articleSchema, z.number().int().default(1)], result: z.string() },
    show: { args: [z.string()], result: articleSchema },
    take: { args: [z.string(), z.number()], errors: { NotEnough: notEnough, Closed: null } },
    list: { stream: true, args: [z.number()], items: z.number() },
    fill: { args: [z.string(), { items: z.number() }], result: z.number() },
    at: { args: [z.coerce.date()], result: z.string() },
  });
  abstract add(article: Article, count?: number): Promise<string>;
  abstract show(name: string): Promise<Article>;
  abstract take(name: string, count: number): Promise<void>;
  abstract list(count: number): AsyncIterable<number>;
  abstract fill(name: string, counts: RpcStream<number>): Promise<number>;
  abstract at(time: Date): Promise<string>;
}

@Injectable()
class StockImpl implements Stock {
  /** The calls that have reached a method. */
  static calls: unknown[][] = [];

  async add(article: Article, count?: number) {
    StockImpl.calls.push([article, count]);
    return `${count} ${article.name}`;
  }
  async show(name: string) {
    return { name, size: { width: name === 'broken' ? -1 : 1 }, secret: 's' } as Article;
  }
  async take(name: string, count: number) {
    if (name === 'closed')
      throw rpcError(Stock, 'take', 'Closed', undefined, { message: 'We are closed.', errorNumber: 7 });
    if (name === 'undeclared') throw new (class Inside extends Error {})('10.0.0.7');
    const left = name === 'faulty' ? ('x' as never) : 3;
    if (count > 3) throw rpcError(Stock, 'take', 'NotEnough', { left, secret: 's' } as { left: number });
  }
  async *list(count: number) {
    for (let item = 1; item <= count; item++) yield item > 2 ? (`item ${item}` as unknown as number) : item;
  }
  async fill(_name: string, counts: RpcStream<number>) {
    let sum = 0;
    for await (const count of counts) sum += count;
    return sum;
  }
  async at(time: Date) {
    return time instanceof Date ? time.toISOString() : 'text';
  }
}

@RpcInterface(Stock)
class NestStockImpl extends StockImpl {}

interface DeskIpc {
  take(name: string, count?: number): Promise<string>;
  show(name: string): Promise<{ name: string }>;
  list(count: number): AsyncIterable<number>;
}
interface DeskNotifications {
  changed(name: string, count: number): void;
}
const desk = ipcChannel<DeskIpc, DeskNotifications>()('desk-v1', {
  methods: {
    take: { args: [z.string(), z.number().default(1)], errors: { NotEnough: notEnough } },
    show: { result: z.object({ name: z.string() }) },
    list: { stream: true, args: [z.number()], items: z.number() },
  },
  notifications: { changed: { args: [z.string(), z.number()] } },
});

@IpcChannel(desk)
class DeskHandler implements DeskIpc {
  async take(name: string, count?: number) {
    if (count! > 3) throw ipcError(desk, 'take', 'NotEnough', { left: 3 });
    return `${count} ${name}`;
  }
  async show(name: string) {
    return { name: (name === 'broken' ? 5 : name) as string, secret: 's' };
  }
  async *list(count: number) {
    for (let item = 1; item <= count; item++) yield item > 2 ? (`item ${item}` as unknown as number) : item;
  }
}

interface PageIpc {
  ask(question: string, times?: number): Promise<string>;
}
const page = ipcChannel<PageIpc>()('page-v1', {
  methods: { ask: { args: [z.string(), z.number().default(2)], result: z.string() } },
});

/** Each way to an implementation, and what it logs. */
const servers: { name: string; client: RpcClient; errors: () => string[] }[] = [];
const stops: (() => unknown)[] = [];
let url: string;
let frontend: IpcFrontend;
let host: IpcHost;
let app: INestApplication;
let firstSession: string;
const logs: LogRecorder[] = [];

const names = ['HTTP', 'RPC over IPC', 'a server without Nest', 'a relay'];
const serverOf = (name: string) => servers.find((each) => each.name === name)!;

beforeAll(async () => {
  const nest = await makeApp({ imports: [IpcModule.forRoot()], providers: [NestStockImpl, DeskHandler] });
  ({ app } = nest);
  await app.listen(0, '127.0.0.1');
  stops.push(() => nest.app.close());
  logs.push(nest.log);
  url = await nest.app.getUrl();
  host = nest.app.get(IpcHost);
  frontend = new IpcFrontend(memoryIpc(app));
  await frontend.ready;
  firstSession = host.sessions[0]!.id;
  // Nest has one logger in a process: the one of the application that was made last.
  const errors = () => logs.flatMap((log) => log.find('error', ''));
  servers.push({ name: 'HTTP', client: createRpcClient({ uriPrefix: url }), errors });
  servers.push({
    name: 'RPC over IPC',
    client: createRpcClient({ transport: rpcOverIpc(frontend) }),
    errors,
  });
  const relay = await makeApp({
    imports: [RpcClientModule.forFeature([{ interface: Stock, uriPrefix: url, expose: true }])],
  });
  logs.push(relay.log);
  await relay.app.listen(0, '127.0.0.1');
  stops.unshift(() => relay.app.close());
  servers.push({ name: 'a relay', client: createRpcClient({ uriPrefix: await relay.app.getUrl() }), errors });
  const reports: CallReport[] = [];
  const rpc = createRpcServer({
    interfaces: [[Stock, StockImpl]],
    report: (report) => void reports.push(report),
  });
  const plain = await listen(platforms[Object.keys(platforms)[0]!]!(rpc));
  stops.unshift(() => plain.stop());
  servers.push({
    name: 'a server without Nest',
    client: createRpcClient({ uriPrefix: plain.url }),
    errors: () => reports.map((report) => (report.kind === 'error' ? String(report.thrown) : '')),
  });
});

afterAll(async () => {
  frontend.close();
  for (const stop of stops) await stop();
});

describe.each(names)('over %s', (name) => {
  const stock = () => serverOf(name).client.client(Stock);

  it('a method gets what the schemas of its arguments return', async () => {
    expect(await stock().add({ name: 'nut', size: { width: 1 } })).toBe('1 nut');
    expect(await stock().at(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
  });

  it('arguments that break their schemas are refused before the method, with their place', async () => {
    StockImpl.calls = [];
    const hostile = { name: 'nut', size: { width: -5 } };
    await expect(stock().add(hostile, 1.5)).rejects.toMatchObject({
      name: 'ValidationError',
      errorNumber: 65542,
      message: expect.stringMatching(/^Stock\.add: argument 1, size\.width: /),
      details: [{ argument: 1, path: ['size', 'width'], message: expect.any(String) }],
    });
    expect(StockImpl.calls).toEqual([]);
  });

  it('a result that breaks its schema is logged and not sent, and one that fits is sent as the schema returns it', async () => {
    expect(await stock().show('nut')).toEqual({ name: 'nut', size: { width: 1 } });
    await expect(stock().show('broken')).rejects.toMatchObject({
      name: 'InternalError',
      message: 'Internal error',
    });
    await until(() =>
      serverOf(name)
        .errors()
        .some((line) => line.includes('Stock.show: The result breaks its schema')),
    );
  });

  it('a caller knows a declared error by its name, with its data', async () => {
    const error = await stock()
      .take('nut', 5)
      .catch((reason: unknown) => reason);
    if (!isRpcError(error, Stock, 'take') || error.name !== 'NotEnough') throw error;
    expect([error.data, error.errorNumber, error.message]).toEqual([
      { left: 3 },
      32768,
      'Stock.take failed: NotEnough.',
    ]);
    const closed = await stock()
      .take('closed', 1)
      .catch((reason: unknown) => reason);
    expect(isRpcError(closed, Stock, 'take') && closed.name).toBe('Closed');
    expect(closed).toMatchObject({ name: 'Closed', errorNumber: 7, message: 'We are closed.' });
    expect(isRpcError(closed, Stock, 'add')).toBe(false);
  });

  it('an undeclared error, and a declared one with wrong data, show nothing', async () => {
    for (const article of ['undeclared', 'faulty']) {
      const error = (await stock()
        .take(article, 5)
        .catch((reason: unknown) => reason)) as Error;
      expect(error).toMatchObject({ name: 'InternalError', message: 'Internal error' });
      expect(isRpcError(error, Stock, 'take')).toBe(false);
    }
  });

  it('each item of a stream is checked, in both directions', async () => {
    const read: number[] = [];
    const reading = (async () => {
      for await (const item of stock().list(5)) read.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'InternalError' });
    expect(read).toEqual([1, 2]);
    const items = async function* (...all: unknown[]) {
      yield* all as number[];
    };
    if (name === 'RPC over IPC') {
      expect(await stock().fill('nut', items(1, 2))).toBe(3);
      await expect(stock().fill('nut', items(1, 'x'))).rejects.toMatchObject({
        details: [{ argument: 2, item: 2, path: [] }],
      });
    }
    await expect(stock().fill('nut', 5 as never)).rejects.toMatchObject({
      message: 'Stock.fill: argument 2: expected a stream.',
    });
  });
});

describe('a channel', () => {
  const proxy = () => frontend.makeIpcProxy<DeskIpc>(desk);

  it('checks arguments and results of its methods', async () => {
    expect(await proxy().take('nut')).toBe('1 nut');
    await expect(proxy().take('nut', 'x' as never)).rejects.toMatchObject({
      name: 'ValidationError',
      errorNumber: 65542,
      details: [{ argument: 2, path: [] }],
    });
    expect(await proxy().show('nut')).toEqual({ name: 'nut' });
    await expect(proxy().show('broken')).rejects.toMatchObject({ name: 'InternalError' });
  });

  it('checks the items of a stream', async () => {
    const read: number[] = [];
    const reading = (async () => {
      for await (const item of proxy().list(3)) read.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'InternalError' });
    expect(read).toEqual([1, 2]);
  });

  it('has declared errors', async () => {
    const error = await proxy()
      .take('nut', 4)
      .catch((reason: unknown) => reason);
    expect(isIpcError(error, desk, 'take') && error.data).toEqual({ left: 3 });
  });

  it('does not send a notification that breaks its schema', async () => {
    const got: unknown[] = [];
    const remove = frontend.addListener(desk, (_event, ...args: unknown[]) => got.push(args));
    expect(() => host.notifications(desk).changed('nut', 'x' as never)).toThrow(
      'desk-v1.changed: argument 2',
    );
    expect(() => host.sessions[0]!.notifications(desk).changed(5 as never, 1)).toThrow(
      'desk-v1.changed: argument 1',
    );
    await host.notifications(desk).changed('nut', 2);
    await until(() => got.length > 0);
    expect(got).toEqual([['changed', 'nut', 2]]);
    remove();
  });

  it('checks the arguments of a call from the backend in the frontend, and the answer in the backend', async () => {
    class PageHandler extends IpcHandler implements PageIpc {
      get channelName() {
        return page;
      }
      async ask(question: string, times?: number) {
        return question === 'lie' ? (5 as never) : question.repeat(times!);
      }
    }
    await IpcApp.startup(memoryIpc(app));
    const remove = PageHandler.register();
    const session = await until(() => host.sessions.find(({ id }) => id !== firstSession));
    const { ask } = session.makeIpcProxy<PageIpc>(page);
    expect(await ask('a')).toBe('aa');
    await expect(ask(5 as never)).rejects.toMatchObject({
      name: 'ValidationError',
      details: [{ argument: 1 }],
    });
    await expect(ask('lie')).rejects.toMatchObject({ name: 'SchemaFault' });
    remove();
    IpcApp.shutdown();
  });
});

describe('an unmodified client of iTwin.js', () => {
  it('reads name, number and message of a declared error, and of refused arguments if statuses are readable', async () => {
    const readable = await makeApp({ options: { errorStatus: 'readable' }, providers: [NestStockImpl] });
    await readable.app.listen(0, '127.0.0.1');
    stops.unshift(() => readable.app.close());
    const client = new ITwinClient([toITwin(Stock)]);
    client.connect(await readable.app.getUrl());
    const itwin = client.of('Stock');
    await expect(itwin['take']!('closed', 1)).rejects.toMatchObject({
      name: 'Closed',
      errorNumber: 7,
      message: 'We are closed.',
    });
    await expect(itwin['show']!(5)).rejects.toMatchObject({
      name: 'ValidationError',
      errorNumber: 65542,
      message: expect.stringContaining('Stock.show: argument 1: '),
    });
  });
});

describe('around a method with schemas', () => {
  const steps: string[] = [];
  @Injectable()
  class Guard implements CanActivate {
    canActivate() {
      steps.push('guard');
      return true;
    }
  }
  @Injectable()
  class Pipe implements PipeTransform {
    transform(value: unknown) {
      steps.push(`pipe ${typeof value}`);
      return value;
    }
  }
  abstract class Ordered {
    static readonly interfaceName = 'Ordered';
    static readonly interfaceVersion = '1.0.0';
    static readonly operations = rpcOperations<Ordered>()({
      go: {
        args: [
          z.preprocess((value) => {
            steps.push('schema');
            return String(value);
          }, z.string().or(z.number())),
        ],
      },
    });
    abstract go(value: string | number): Promise<void>;
  }
  @RpcInterface(Ordered)
  @UseGuards(Guard)
  @UsePipes(Pipe)
  class OrderedImpl implements Ordered {
    async go(value: string | number) {
      steps.push(`method ${typeof value}`);
    }
  }

  it('guards run first, then the schema once, then pipes', async () => {
    const ordered = await makeApp({ providers: [OrderedImpl] });
    await ordered.app.listen(0, '127.0.0.1');
    stops.unshift(() => ordered.app.close());
    await createRpcClient({ uriPrefix: await ordered.app.getUrl() })
      .client(Ordered)
      .go(5);
    expect(steps).toEqual(['guard', 'schema', 'pipe string', 'method string']);
  });

  it('a wrong schema is refused at start, with the name of the operation', async () => {
    class Wrong extends Ordered {
      static override readonly operations = { go: { args: [{}] } } as never;
      override async go() {}
    }
    expect(() =>
      createRpcServer({
        interfaces: [
          [
            Wrong,
            class {
              async go() {}
            },
          ],
        ],
      }),
    ).toThrow('Ordered.go: "args", argument 1, is not a schema');
  });
});
