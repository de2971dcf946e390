import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { IpcChannel, IpcSession } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { durableTextWire } from '@linnet/common';
import type { IpcConnectionEvents, IpcTransport } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { FaultProxy } from './fault.proxy.js';

const PATIENCE_MS = 20_000;
const LOST = [11, 'The session is not there any more.'];

let finish: () => void = () => undefined;
let runs = 0;

@IpcChannel('desk')
class Desk {
  constructor(private readonly session: IpcSession) {}
  async id() {
    return this.session.id;
  }
  async slow() {
    runs++;
    await new Promise<void>((resolve) => (finish = resolve));
    return 'done';
  }
}

const frontends: IpcFrontend[] = [];
const proxies: FaultProxy[] = [];
const raws: WebSocket[] = [];
afterEach(async () => {
  finish();
  for (const frontend of frontends.splice(0)) frontend.close();
  for (const proxy of proxies.splice(0)) proxy.close();
  for (const raw of raws.splice(0)) raw.terminate();
  await closeIpcApps();
});

const byQuery: IpcModuleOptions['authorize'] = ({ url }) => ({ user: { name: url!.split('?')[1] } });
const start = (ipc: IpcModuleOptions = {}) => startIpcApp({ ipc, providers: [Desk] });

/** A connection of the durable wire by hand. */
async function raw({ port }: IpcTestApp, user = 'ann') {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc?${user}`, ['linnet.ipc.1']);
  raws.push(socket);
  const received: any[] = [];
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString())));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const say = (list: unknown) => socket.send(JSON.stringify(list));
  const first = () => until(() => received[0], PATIENCE_MS);
  /** Calls, and waits for the answer: what was said before has arrived. */
  const ask = async (number: number) => {
    say([number, [2, number + 1, 'itwin.desk', 'id', [], 'a']]);
    return until(
      () => received.find(([, message]) => message?.[1] === number + 1)?.[1][3].result,
      PATIENCE_MS,
    );
  };
  return { socket, received, closed, say, first, ask };
}

/** A session whose frontend is known to have its first secret, and has lost its connection. */
async function confirmed(app: IpcTestApp) {
  const begin = await raw(app);
  begin.say([9, '', 'k'.repeat(22), 0, 1]);
  const [, id, secret] = await begin.first();
  await begin.ask(0);
  begin.socket.terminate();
  // The call, and its answer.
  return { id, secret, count: 1, next: 1 };
}

describe('a client hello that arrives after one of a newer connection', () => {
  it('closes its connection with 4000 because of its number, and changes nothing', async () => {
    const app = await start();
    const { id, secret, count, next } = await confirmed(app);
    const late = await raw(app);
    const newer = await raw(app);
    newer.say([9, id, secret, count, 3]);
    const [type, , pending] = await newer.first();
    late.say([9, id, secret, 99, 2]);
    expect(await late.closed).toBe(4000);
    expect([type, late.received]).toEqual([10, []]);
    expect(await newer.ask(next)).toBe(id);
    newer.socket.terminate();
    const again = await raw(app);
    again.say([9, id, pending, count, 4]);
    expect((await again.first()).slice(0, 2)).toEqual([10, id]);
  });

  it('is refused with a wrong secret or from another user, whatever its number', async () => {
    const app = await start({ authorize: byQuery });
    const { id, secret, count, next } = await confirmed(app);
    const newest = await raw(app);
    newest.say([9, id, secret, count, 7]);
    await newest.first();
    for (const [user, guess] of [
      ['ann', 'a guess'],
      ['eve', secret],
    ])
      for (const attempt of [3, 7, 8]) {
        const stranger = await raw(app, user);
        stranger.say([9, id, guess, count, attempt]);
        expect(await stranger.first()).toEqual(LOST);
        expect(await stranger.closed).toBe(4001);
      }
    expect(await newest.ask(next)).toBe(id);
  });

  it('keeps the secret of the newest server hello when it has no number', async () => {
    const app = await start();
    const begin = await raw(app);
    begin.say([9]);
    const [, id, k1] = await begin.first();
    begin.say([0, [8, 0]]);
    begin.socket.terminate();
    const late = await raw(app);
    const newer = await raw(app);
    newer.say([9, id, k1, 0]);
    const [, , k2] = await newer.first();
    late.say([9, id, k1, 0]);
    await newer.closed;
    expect((await late.first())[2]).toBe(k2);
    const again = await raw(app);
    again.say([9, id, k2, 0]);
    expect((await again.first()).slice(0, 2)).toEqual([10, id]);
  });

  it.each([-1, 1.5, '2', null, {}])('ends its connection when its number is invalid: %j', async (attempt) => {
    const app = await start();
    const { id, secret, count } = await confirmed(app);
    const wrong = await raw(app);
    wrong.say([9, id, secret, count, attempt]);
    expect(await wrong.closed).toBe(1002);
    expect(app.host.sessions).toHaveLength(1);
  });

  it('does not disturb the frontend', async () => {
    const app = await start();
    interface Line {
      socket: WebSocket;
      /** Events that it reports when it is let go; `undefined`: at once. */
      held: (() => void)[] | undefined;
    }
    const lines: Line[] = [];
    const release = (line: Line) => {
      const { held = [] } = line;
      line.held = undefined;
      for (const work of held) work();
    };
    const connector = (events: IpcConnectionEvents): IpcTransport => {
      const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ipc`, ['linnet.ipc.1']);
      raws.push(socket);
      // The second is slow from the beginning; those after it stop behind their client hello.
      const line: Line = { socket, held: lines.length === 1 ? [] : undefined };
      const isLater = lines.push(line) > 2;
      const up = (work: () => void) => void (line.held ? line.held.push(work) : work());
      socket.on('error', () => undefined);
      socket.on('open', () => {
        events.opened(durableTextWire);
        if (isLater) line.held ??= [];
      });
      socket.on('message', (data: Buffer) => events.frame(data.toString()));
      socket.on('close', (code, reason) =>
        events.closed({ code, reason: reason.toString(), initiator: 'remote' }),
      );
      return {
        bufferedBytes: 0,
        write: (frame) => up(() => socket.send(frame as string)),
        defer: queueMicrotask,
        drained: async () => undefined,
        close: (code, reason) => up(() => socket.close(code, reason)),
      };
    };
    const frontend = new IpcFrontend(connector, {
      reconnectMs: [1, 1],
      connectTimeoutMs: 500,
      heartbeatMs: 0,
    });
    frontends.push(frontend);
    const states: string[] = [];
    frontend.onStateChange((state) => states.push(state));
    await frontend.ready;
    const desk = frontend.makeIpcProxy<Desk>('desk') as any;
    const before = runs;
    const slow = desk.slow();
    await until(() => runs > before, PATIENCE_MS);
    lines[0]!.socket.terminate();
    await until(() => states.join() === 'open,interrupted,open', PATIENCE_MS);
    const arrived = new Promise((resolve) => lines[1]!.socket.on('close', resolve));
    release(lines[1]!);
    expect(await arrived).toBe(4000);
    for (const line of lines) release(line);
    finish();
    expect(await slow).toBe('done');
    expect([states, runs - before, app.host.sessions.length]).toEqual([
      ['open', 'interrupted', 'open'],
      1,
      1,
    ]);
  });
});

describe('a server hello that is lost', () => {
  it('leaves no second session', async () => {
    const app = await start();
    const proxy = await new FaultProxy(app.port).listen();
    proxies.push(proxy);
    proxy.plan([{ way: 'down', frame: 0, kind: 'drop' }]);
    const begun = new Set<IpcSession>();
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`), {
      reconnectMs: [1, 5],
      connectTimeoutMs: 300,
    });
    frontends.push(frontend);
    await until(() => app.host.sessions[0], PATIENCE_MS);
    begun.add(app.host.sessions[0]!);
    await frontend.ready;
    const id = await (frontend.makeIpcProxy<Desk>('desk') as any).id();
    for (const session of app.host.sessions) begun.add(session);
    expect([...begun].map((session) => session.id)).toEqual([id]);
  });

  it('is repeated for the same key and user until the frontend has it', async () => {
    const app = await start({ authorize: byQuery });
    const key = 'key'.repeat(10);
    const begin = await raw(app);
    begin.say([9, '', key, 0, 1]);
    const [, id, secret] = await begin.first();
    const eve = await raw(app, 'eve');
    eve.say([9, '', key, 0, 2]);
    expect(await eve.first()).toEqual(LOST);
    const again = await raw(app);
    again.say([9, '', key, 0, 3]);
    expect((await again.first()).slice(0, 3)).toEqual([10, id, secret]);
    await begin.closed;
    expect(await again.ask(0)).toBe(id);
    for (const attempt of [2, 3, 4]) {
      const late = await raw(app);
      late.say([9, '', key, 0, attempt]);
      expect(await late.closed).toBe(4000);
    }
    expect(await again.ask(1)).toBe(id);
    expect(app.host.sessions.map((session) => session.id)).toEqual([id]);
  });

  it.each(['', 'short'])('cannot be requested with a key that is too short: "%s"', async (key) => {
    const app = await start();
    const { say, closed } = await raw(app);
    say([9, '', key, 0, 1]);
    expect(await closed).toBe(1002);
    expect(app.host.sessions).toHaveLength(0);
  });
});
