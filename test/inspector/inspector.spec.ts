import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ActivityLogger, IpcChannel, IpcSession, RpcInterface } from '@linnet/backend';
import { createRpcClient, ipcChannel } from '@linnet/common';
import type { IpcFrontend, IpcProxy } from '@linnet/common';
import { observe, observer } from '@linnet/common/internal';
import type { ObservedCall, ObservedSession } from '@linnet/common/internal';
import { InspectorModule } from '@linnet/inspector';
import type { InspectorOptions } from '@linnet/inspector';
import { inspectorChannel } from '../../libs/inspector/src/channel/inspector.ipc.js';
import type {
  InspectorIpc,
  SessionQuery,
  TailBatch,
} from '../../libs/inspector/src/channel/inspector.ipc.js';
import { adapters, closeIpcApps, openFrontend, startIpcApp } from '../harness/ipc.harness.js';
import type { IpcAppSetup, IpcTestApp } from '../harness/ipc.harness.js';
import { closeApps, startApp } from '../harness/nest.harness.js';
import { until } from '../harness/waiting.js';
import { deferred } from '../../libs/common/src/base/deferred.js';

abstract class Tiles extends RpcInterface {
  static readonly interfaceName = 'Tiles';
  static interfaceVersion = '1.0.0';
  static readonly operations = { query: { stream: true } } as const;
  async count(_text: string): Promise<number> {
    return this.forward(arguments);
  }
  async fail(): Promise<void> {
    return this.forward(arguments);
  }
  async slow(): Promise<void> {
    return this.forward(arguments);
  }
  query(): AsyncIterable<number> {
    return this.forward(arguments) as never;
  }
}

let gate = deferred();
const SECRET = 'argument-4711';

@RpcInterface(Tiles)
class TilesImpl extends Tiles {
  readonly #logger = new Logger('Tiles');

  override async count(text: string) {
    this.#logger.log('counted a text');
    return text.length;
  }

  override async fail() {
    throw new TypeError(`${SECRET} is wrong`);
  }

  override async slow() {
    await gate.promise;
  }

  override async *query() {
    yield* [1, 2, 3];
    await gate.promise;
  }
}

interface Drive {
  drive(): Promise<void>;
  hold(): Promise<void>;
}
const driveChannel = ipcChannel<Drive>('drive-v1');

@IpcChannel(driveChannel)
class DriveHandler {
  constructor(private readonly session: IpcSession) {}

  async drive() {
    await this.session.join('floor 1');
    this.session.addListener('chat', () => undefined);
  }

  async hold() {
    await gate.promise;
  }
}

const everybody = () => true;
/** Shows what it logs to the inspector, and prints nothing. */
const quietLogger = () => new ActivityLogger({ logLevels: ['log'] });
const frontends: IpcFrontend[] = [];

function start(options: InspectorOptions = { authorize: everybody }, setup: IpcAppSetup = {}) {
  return startIpcApp({
    rpc: {},
    providers: [TilesImpl, DriveHandler],
    imports: [InspectorModule.forRoot(options)],
    ...setup,
  });
}

/** Opens the inspector of an application, as its page does. */
async function open(app: { port: number }, path = 'inspector'): Promise<IpcProxy<InspectorIpc>> {
  const frontend = await openFrontend(`${urlOf(app)}/${path}`);
  frontends.push(frontend);
  return frontend.makeIpcProxy<InspectorIpc>(inspectorChannel);
}

function closeInspectors(): void {
  for (const frontend of frontends.splice(0)) frontend.close();
}

const urlOf = ({ port }: { port: number }) => `http://127.0.0.1:${port}`;
const tilesOf = (app: { port: number }) => createRpcClient({ uriPrefix: urlOf(app) }).client(Tiles);
const allSessions: SessionQuery = { search: '', order: 'since', descending: false, offset: 0, limit: 100 };

afterEach(async () => {
  gate.resolve();
  closeInspectors();
  await closeIpcApps();
  await closeApps();
  gate = deferred();
});

describe('InspectorModule without authorize', () => {
  const environment = process.env['NODE_ENV'];
  afterEach(() => {
    process.env['NODE_ENV'] = environment;
  });

  it.each([undefined, 'production', 'test'])('does not start with NODE_ENV %s', (value) => {
    if (value === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = value;
    expect(() => InspectorModule.forRoot()).toThrow('needs the option `authorize`');
  });

  it('answers requests over loopback in development', async () => {
    process.env['NODE_ENV'] = 'development';
    const app = await start({});
    expect((await fetch(`${urlOf(app)}/inspector/`)).status).toBe(200);
  });
});

/** A controller with a route for every path, as the framework writes it. */
function anything(pattern: string) {
  @Controller()
  class AnythingController {
    @Get(pattern)
    anything() {
      return 'anything';
    }
  }
  return AnythingController;
}

it('the page has a path of its own', () => {
  for (const path of ['/', ''])
    expect(() => InspectorModule.forRoot({ authorize: everybody, path })).toThrow('a path other than `/`');
});

it('the page is served by a Fastify that ignores a slash at the end of a path', async () => {
  const adapter = () => new FastifyAdapter({ routerOptions: { ignoreTrailingSlash: true } });
  const app = await start(undefined, { way: { adapter } });
  for (const path of ['/inspector', '/inspector/']) {
    const page = await fetch(urlOf(app) + path);
    expect([page.status, page.url]).toEqual([200, `${urlOf(app)}/inspector/`]);
  }
});

describe.each(Object.entries(adapters))('the page on %s', (name, way) => {
  it('and a route of the application for every path do not hide each other', async () => {
    const controllers = [anything(name === 'Fastify' ? '*' : '*path')];
    const app = await start(undefined, { way, controllers });
    expect(await (await fetch(`${urlOf(app)}/inspector`)).text()).toContain('<title>Inspector</title>');
    expect((await fetch(`${urlOf(app)}/inspector/page.js`)).headers.get('content-type')).toContain(
      'javascript',
    );
    expect(await (await fetch(`${urlOf(app)}/inspector-of-quality`)).text()).toBe('anything');
  });

  it('is served with its files, and runs no other script', async () => {
    const app = await start({ authorize: everybody, path: '/ops/inspector/' }, { way });
    const url = `${urlOf(app)}/ops/inspector`;
    const page = await fetch(url);
    expect(page.url).toBe(`${url}/`);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('content-type')).toContain('text/html');
    const text = await page.text();
    const files = [...text.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, file]) => file!);
    expect(files.toSorted()).toEqual(['page.css', 'page.js']);
    for (const file of files) expect((await fetch(`${url}/${file}`)).status).toBe(200);
    expect((await fetch(`${url}/package.json`)).status).toBe(404);
    await expect((await open(app, 'ops/inspector')).info()).resolves.toMatchObject({ mayClose: true });
  });

  it('and its session are refused to everybody whom authorize refuses', async () => {
    const app = await start({ authorize: ({ headers }) => headers['x-operator'] === 'yes' }, { way });
    const url = `${urlOf(app)}/inspector/`;
    for (const file of ['', 'page.js', 'page.css']) expect((await fetch(url + file)).status).toBe(403);
    const admitted = await fetch(url, { headers: { 'x-operator': 'yes' } });
    expect(admitted.status).toBe(200);
    const refused = await app.refused({ path: '/inspector/ipc' });
    expect(refused.status).toBe(403);
    const other = await app.refused({
      path: '/inspector/ipc',
      headers: { 'x-operator': 'yes', origin: 'https://elsewhere.example' },
    });
    expect(other.status).toBe(403);
  });
});

it('an application without IPC has an inspector as well', async () => {
  const app = await startApp({
    providers: [TilesImpl],
    imports: [InspectorModule.forRoot({ authorize: everybody })],
  });
  const inspector = await open(app);
  await tilesOf(app).count('abc');
  await expect(inspector.sessions(allSessions)).resolves.toEqual({ rows: [], count: 0 });
  const { running, count } = await inspector.calls('');
  expect({ running, count }).toEqual({ running: [], count: 0 });
  expect((await inspector.find('tiles')).methods).toEqual(['Tiles/count']);
});

it('other observers do not see the inspector itself', async () => {
  const seen: (ObservedCall | ObservedSession)[] = [];
  let frames = 0;
  const see = (subject: ObservedCall | ObservedSession) => {
    seen.push(subject);
    return undefined;
  };
  const forget = observe({ call: see, session: see, frame: () => void frames++ });
  const planner = await start();
  const others = { planner: `ws://127.0.0.1:${planner.port}/inspector/ipc` };
  const app = await start({ authorize: everybody, others });
  const raw = await app.connect({ path: '/inspector/ipc' });
  const ask = async (method: string, ...args: unknown[]) => raw.ask(`linnet.inspector.${method}`, ...args);
  expect(await ask('info')).toMatchObject({ result: { others: ['planner'] } });
  expect(await ask('activity', 'none')).toMatchObject({ result: { missing: [] } });
  expect(await ask('none')).toMatchObject({ error: { message: expect.stringContaining('not found') } });
  forget();
  expect([seen, frames]).toEqual([[], 0]);
});

it('nothing observes calls before an inspector is open, and after the last one is closed', async () => {
  const app = await start();
  expect(observer).toBeUndefined();
  const inspector = await open(app);
  await open(app);
  expect(observer).toBeDefined();
  await tilesOf(app).count('abc');
  expect(await inspector.activities()).toHaveLength(1);
  frontends.pop()!.close();
  await inspector.info();
  expect(observer).toBeDefined();
  closeInspectors();
  await until(() => observer === undefined);
  // The record is forgotten.
  expect(await (await open(app)).activities()).toEqual([]);
});

describe('an open inspector', () => {
  let app: IpcTestApp;
  let inspector: IpcProxy<InspectorIpc>;

  beforeAll(() => Logger.overrideLogger(quietLogger()));
  afterAll(() => Logger.overrideLogger(undefined as never));

  async function begin(options?: InspectorOptions, setup?: IpcAppSetup): Promise<void> {
    app = await start(options, setup);
    Logger.overrideLogger(quietLogger());
    inspector = await open(app);
  }

  /** Reads the live tail. */
  const readerOf = (search: string) =>
    inspector.tail(search)[Symbol.asyncIterator]() as AsyncGenerator<TailBatch>;

  /** The next state in which something holds. */
  async function stateWith(holds: (state: any) => boolean): Promise<any> {
    for await (const state of inspector.watch()) if (holds(state)) return state;
    throw new Error('The stream has ended.');
  }

  it('shows methods with rates, latencies and errors, and no names that a client has made up', async () => {
    await begin();
    const states = inspector.watch()[Symbol.asyncIterator]();
    await states.next();
    for (let i = 0; i < 20; i++) await tilesOf(app).count('abc');
    await expect(tilesOf(app).fail()).rejects.toThrow('Internal error');
    await app.send({ target: '/Tiles-1.0.0-evil', body: '[]' });
    const { methods } = await stateWith(({ methods }) => methods.some((row: any) => row.perSecond > 0));
    const count = methods.find((row: any) => row.name === 'Tiles/count' && row.side === 'server');
    expect(count).toMatchObject({ kind: 'rpc', calls: 20, running: 0, errors: 0 });
    expect(count.p50).toBeGreaterThan(0);
    expect(count.p50).toBeLessThanOrEqual(count.p95);
    expect(count.p99).toBeLessThanOrEqual(count.most);
    expect(methods.find((row: any) => row.name === 'Tiles/fail' && row.side === 'server')).toMatchObject({
      calls: 1,
      errors: 1,
    });
    expect(JSON.stringify(methods)).not.toContain('evil');
  });

  it('sends the same state to two pages that ask at the same time', async () => {
    await begin();
    const pages = [inspector, await open(app)];
    const states = await Promise.all(pages.map((page) => page.watch()[Symbol.asyncIterator]().next()));
    // The heap is another one at each reading.
    expect(states[1]!.value.heap).toBeGreaterThan(0);
    expect(states[1]!.value).toEqual(states[0]!.value);
  });

  it('shows calls in flight, slow calls and failed calls', async () => {
    await begin({ authorize: everybody, slowMs: 20 });
    const calls = [tilesOf(app).slow(), tilesOf(app).slow()];
    const server = await until(async () => {
      const { running } = await inspector.calls('slow');
      const found = running.filter(({ side }) => side === 'server');
      return found.length === 2 && found;
    });
    expect(server[0]).toMatchObject({ name: 'Tiles/slow', outcome: '' });
    expect(server[0]!.duration).toBeUndefined();
    // Sleeps: the calls have to be slow.
    await new Promise((resolve) => setTimeout(resolve, 30));
    gate.resolve();
    await Promise.all(calls);
    await expect(tilesOf(app).fail()).rejects.toThrow('Internal error');
    const { running, slow, failed } = await inspector.calls('');
    expect(running).toEqual([]);
    expect(slow.filter(({ side }) => side === 'server').map(({ name }) => name)).toEqual([
      'Tiles/slow',
      'Tiles/slow',
    ]);
    expect(slow[0]!.duration).toBeGreaterThanOrEqual(20);
    expect(failed.find(({ side }) => side === 'server')).toMatchObject({
      name: 'Tiles/fail',
      outcome: 'TypeError',
      failed: true,
    });
  });

  it('counts the items of a stream that runs', async () => {
    await begin();
    const items = tilesOf(app).query()[Symbol.asyncIterator]() as AsyncGenerator<number>;
    for (let i = 0; i < 3; i++) await items.next();
    const { running } = await inspector.calls('query');
    expect(running.find(({ side }) => side === 'server')).toMatchObject({ items: 3 });
    await items.return(undefined);
    await until(async () => (await inspector.calls('query')).running.length === 0);
  });

  it('shows sessions with user, transport, buffers, rooms and listeners, and closes one', async () => {
    const users = [{ name: 'ada', token: 'token-4711' }, { sub: 'u2' }];
    await begin(undefined, {
      ipc: {
        authorize: () => ({ user: users.shift(), accessToken: 'Bearer token-4711' }),
        rooms: { mayJoin: () => true } as never,
      },
    });
    const [ada, other] = [await openFrontend(urlOf(app)), await openFrontend(urlOf(app))];
    const drive = ada.makeIpcProxy<Drive>(driveChannel);
    await drive.drive();
    const held = drive.hold().catch((error: Error) => error.message);
    const { rows, count } = await inspector.sessions(allSessions);
    expect(count).toBe(2);
    expect(rows.map(({ user }) => user)).toEqual(['ada', 'u2']);
    const [first] = rows;
    expect(first).toMatchObject({ transport: 'WebSocket', state: 'connected', running: 1, ip: '127.0.0.1' });
    expect(Date.now() - first!.since).toBeLessThan(30_000);
    expect((await inspector.sessions({ ...allSessions, search: 'ADA' })).rows).toHaveLength(1);
    expect((await inspector.sessions({ ...allSessions, limit: 1, descending: true })).rows[0]!.user).toBe(
      'u2',
    );
    const byLoad = await inspector.sessions({ ...allSessions, order: 'running', descending: true });
    expect(byLoad.rows[0]!.id).toBe(first!.id);
    const session = await inspector.session(first!.id);
    expect(session).toMatchObject({ isDurable: true, rooms: ['floor 1'], listened: ['chat'] });
    expect(session!.calls.map(({ name }) => name)).toEqual(['drive-v1/hold']);
    expect(JSON.stringify([rows, session])).not.toContain('4711');
    expect((await inspector.find('ada')).sessions.map(({ id }) => id)).toEqual([first!.id]);
    await expect(inspector.closeSession(first!.id)).resolves.toBe(true);
    await expect(held).resolves.toContain('4001: Closed by an operator.');
    await until(async () => (await inspector.sessions(allSessions)).count === 1);
    await expect(inspector.closeSession(first!.id)).resolves.toBe(false);
    other.close();
  });

  it('closes no session if authorize allows only to read', async () => {
    await begin({ authorize: () => 'read' });
    await openFrontend(urlOf(app)).then((frontend) => frontends.push(frontend));
    const [session] = (await inspector.sessions(allSessions)).rows;
    await expect(inspector.closeSession(session!.id)).rejects.toThrow('You may not close sessions.');
    expect((await inspector.info()).mayClose).toBe(false);
    expect((await inspector.sessions(allSessions)).count).toBe(1);
  });

  it('refuses numbers and orders that no page sends', async () => {
    await begin();
    await openFrontend(urlOf(app)).then((frontend) => frontends.push(frontend));
    for (const wrong of [{ limit: 1e9 }, { offset: -5 }, { order: '__proto__' }, { search: { a: 1 } }]) {
      const { rows } = await inspector.sessions({ ...allSessions, ...(wrong as object) });
      expect(rows).toHaveLength(1);
    }
    expect((await inspector.sessions({ ...allSessions, limit: NaN })).rows).toEqual([]);
  });

  it('shows an activity with its calls and its log lines, in this backend and in others', async () => {
    const planner = await start({ authorize: everybody });
    await begin({
      authorize: everybody,
      others: { planner: `ws://127.0.0.1:${planner.port}/inspector/ipc`, gone: 'ws://127.0.0.1:1/' },
    });
    expect((await inspector.info()).others).toEqual(['planner', 'gone']);
    // Both backends are in this process: each sees the calls of both.
    await until(async () => {
      await tilesOf(app).with({ activityId: 'click 1' }).count('abc');
      return (await inspector.activity('click 1')).calls.some(({ tier }) => tier === 'planner');
    });
    const { calls, lines, missing } = await inspector.activity('click 1');
    expect(missing).toEqual(['gone']);
    for (const tier of ['', 'planner']) {
      expect(calls.filter((call) => call.tier === tier).map(({ side }) => side)).toContain('server');
      expect(lines.find((line) => line.tier === tier)).toMatchObject({
        level: 'log',
        context: 'Tiles',
        text: 'counted a text',
      });
    }
    expect(calls.map(({ start }) => start)).toEqual(
      calls.map(({ start }) => start).toSorted((a, b) => a - b),
    );
    expect((await inspector.activities())[0]).toMatchObject({
      id: 'click 1',
      name: 'Tiles/count',
      failed: false,
    });
    expect((await inspector.find('CLICK')).activities.map(({ id }) => id)).toEqual(['click 1']);
    await planner.close();
  });

  it('shows no log lines if they are left out, and never arguments or results', async () => {
    await begin({ authorize: everybody, logLines: false });
    await tilesOf(app).with({ activityId: 'click 2' }).count(SECRET);
    await expect(tilesOf(app).with({ activityId: 'click 2' }).fail()).rejects.toThrow('Internal error');
    const activity = await inspector.activity('click 2');
    expect(activity.lines).toEqual([]);
    expect(activity.calls.length).toBeGreaterThan(2);
    expect(JSON.stringify([activity, await inspector.calls(''), await inspector.activities()])).not.toContain(
      SECRET,
    );
  });

  it('shows in a live tail what happens, filtered, and counts what it leaves out', async () => {
    await begin();
    const all = readerOf('');
    const filtered = readerOf('FAIL');
    await Promise.all([all.next(), filtered.next()]);
    const frontend = await openFrontend(urlOf(app));
    const calls = Array.from({ length: 300 }, () => tilesOf(app).count('abc'));
    await Promise.all([
      ...calls,
      tilesOf(app)
        .fail()
        .catch(() => undefined),
    ]);
    frontend.close();
    const collect = async (batches: AsyncIterator<TailBatch>, isEnough: (batch: TailBatch) => boolean) => {
      const found: TailBatch[] = [];
      while (!found.some(isEnough)) found.push((await batches.next()).value as TailBatch);
      return found;
    };
    const batches = await collect(all, ({ dropped }) => dropped > 0);
    expect(Math.max(...batches.map(({ events }) => events.length))).toBe(50);
    const [failure] = (await collect(filtered, ({ events }) => events.length > 0)).flatMap(
      ({ events }) => events,
    );
    expect(failure).toMatchObject({ type: 'call', call: { name: 'Tiles/fail', failed: true } });
    const kinds = new Set(batches.flatMap(({ events }) => events.map(({ type }) => type)));
    expect(kinds.has('call')).toBe(true);
    await all.return(undefined);
    await filtered.return(undefined);
  });

  it('shows sessions that begin and end, and refusals, in the live tail', async () => {
    await begin();
    const tail = readerOf('');
    await tail.next();
    const frontend = await openFrontend(urlOf(app));
    const { id } = app.host.sessions[0]!;
    await expect(frontend.callIpcChannel('evil', 'x')).rejects.toThrow('No handler');
    frontend.close();
    const seen: string[] = [];
    while (!seen.includes(`${id} ended with 1000`)) {
      const { value } = await tail.next();
      for (const event of (value as TailBatch).events)
        if (event.type === 'session') seen.push(`${event.id} ${event.change}`);
        else if (event.type === 'refused') seen.push(event.reason);
    }
    expect(seen).toEqual([`${id} begun`, 'ipc call', `${id} ended with 1000`]);
    await tail.return(undefined);
  });

  it('lets a page read a few tails at once', async () => {
    await begin();
    const tails = Array.from({ length: 4 }, () => readerOf(''));
    await Promise.all(tails.map((tail) => tail.next()));
    await expect(readerOf('').next()).rejects.toThrow('too many tails');
    await Promise.all(tails.map((tail) => tail.return(undefined)));
    await until(() =>
      readerOf('')
        .next()
        .catch(() => undefined),
    );
  });
});
