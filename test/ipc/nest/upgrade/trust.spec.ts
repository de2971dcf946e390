import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import {
  ConflictException,
  HttpException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { ClientRequestContext, CurrentSession, IpcChannel, IpcTicketService } from '@linnet/backend';
import type { IpcIdentity, IpcModuleOptions, IpcSession } from '@linnet/backend';
import { of } from 'rxjs';
import { BareFrontend, handshake } from '../../wire/raw.frontend.socket.js';
import { adapters, closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { gate, settled, until } from '../../../harness/waiting.js';

@IpcChannel('who')
class WhoHandler {
  async am(@CurrentSession() { user, accessToken, frontend }: IpcSession) {
    const { current } = ClientRequestContext;
    const same = current.user === user && current.accessToken === accessToken;
    return { user, accessToken, frontend, same };
  }
}

const start = (ipc: IpcModuleOptions = {}, setup = {}) =>
  startIpcApp({ ipc, providers: [WhoHandler], ...setup });

afterEach(closeIpcApps);

describe('authorize of IpcModule', () => {
  it.each<[string, IpcModuleOptions['authorize'], object]>([
    ['true', () => true, { accessToken: 'Bearer t' }],
    ['a promise of true', async () => true, { accessToken: 'Bearer t' }],
    ['a user', () => ({ user: { name: 'ann' } }), { user: { name: 'ann' }, accessToken: 'Bearer t' }],
    [
      'all of an identity',
      async () => ({ user: 'ann', accessToken: 'own', frontend: 'f1' }),
      { user: 'ann', accessToken: 'own', frontend: 'f1' },
    ],
    ['an empty identity', () => ({}), { accessToken: 'Bearer t' }],
    ['nothing, because it is not set', undefined, { accessToken: 'Bearer t' }],
  ])(
    'lets a frontend in if it gives %s, and the session and the context have the identity',
    async (_what, authorize, identity) => {
      const { connect } = await start({ authorize });
      const { ask } = await connect({ headers: { Authorization: 'Bearer t' } });
      expect(await ask('who.am')).toEqual({ result: { ...identity, same: true } });
    },
  );

  it.each<[string, () => any, number, string]>([
    ['false', () => false, 403, 'This frontend may not open a session.'],
    ['nothing', () => undefined, 403, 'This frontend may not open a session.'],
    ['a promise of nothing', async () => undefined, 403, 'This frontend may not open a session.'],
    [
      'an HttpException',
      () => {
        throw new UnauthorizedException('Sign in first.');
      },
      401,
      'Sign in first.',
    ],
    ['a rejection', async () => Promise.reject(new ConflictException('Too late.')), 409, 'Too late.'],
    [
      'an exception of status 503',
      async () => Promise.reject(new ServiceUnavailableException('Later.')),
      503,
      'Later.',
    ],
    [
      'an exception with several reasons',
      async () => Promise.reject(new HttpException({ message: ['a', 'b'] }, 400)),
      400,
      'a, b',
    ],
    [
      'an exception without an error status',
      async () => Promise.reject(new HttpException('Elsewhere.', 302)),
      500,
      'Elsewhere.',
    ],
    ['an Error', async () => Promise.reject(new Error('table users is broken')), 500, 'Internal error'],
    ['undefined', async () => Promise.reject(undefined), 500, 'Internal error'],
  ])(
    'refuses a frontend with a status and a reason if it gives %s',
    async (what, authorize, status, reason) => {
      const { refused, log, host } = await start({ authorize });
      const { body, status: told, headers } = await refused();
      expect([told, body]).toEqual([status, `${reason}\n`]);
      expect(headers['connection']).toBe('close');
      expect(headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
      expect(log.find('error', 'users is broken')).toHaveLength(what === 'an Error' ? 1 : 0);
      expect(host.sessions).toEqual([]);
    },
  );

  it.each<[string, any]>([
    ['an Observable', () => of(false)],
    ['a promise of an Observable', async () => of(false)],
    ['a text', () => 'ann'],
    ['a number', () => 1],
    ['a list', () => []],
    ['a function', () => () => false],
  ])('refuses every frontend if it gives %s, which is not an identity', async (_what, authorize) => {
    const { refused, log, host } = await start({ authorize });
    const { status, body } = await refused();
    expect([status, body]).toEqual([500, 'Internal error\n']);
    expect(log.find('error', 'authorize did not return an identity')).toHaveLength(1);
    expect(host.sessions).toEqual([]);
  });

  it('gets the request, and can take no longer than upgradeMs', async () => {
    let late: (verdict: boolean) => void = () => undefined;
    const { connect, refused, host } = await start({
      authorize: ({ url }) => {
        if (!url!.endsWith('?hang')) return nextTurn({ user: url });
        return new Promise((resolve) => (late = resolve));
      },
      limits: { upgradeMs: 150 },
    });
    expect((await (await connect({ path: '/ipc?a=1' })).ask('who.am')).result.user).toBe('/ipc?a=1');
    const { status, body, headers } = await refused({ path: '/ipc?hang' });
    expect([status, body]).toEqual([503, 'Authorizing the upgrade takes too long.\n']);
    expect(headers['retry-after']).toBe('1');
    late(true);
    await settled();
    expect(host.sessions).toHaveLength(1);
  });

  it('opens no session for a peer that has left', async () => {
    let left: IncomingMessage | undefined;
    let verdict: (verdict: boolean) => void = () => undefined;
    const authorize = (request: IncomingMessage) => {
      if (request.url !== '/ipc?slow') return true;
      left = request;
      return new Promise<boolean>((resolve) => (verdict = resolve));
    };
    const { port, host, connect } = await start({ authorize });
    const bare = await BareFrontend.connect(port);
    bare.write(handshake(port, { path: '/ipc?slow' }));
    await until(() => left);
    bare.destroy();
    await until(() => left!.socket.destroyed);
    verdict(true);
    await connect();
    await until(() => host.sessions.length === 1);
  });
});

describe('a ticket of IpcTicketService', () => {
  const redeem = { path: (ticket: string) => ({ path: `/ipc?ticket=${encodeURIComponent(ticket)}` }) };

  it('opens one session, for the user that it was issued to', async () => {
    const { connect, refused, app } = await start();
    const tickets = app.get(IpcTicketService);
    const identity = { user: { name: 'ann' }, accessToken: 'Bearer t', frontend: 'f1' };
    const ticket = await tickets.issue(identity);
    expect(ticket).toMatch(/^[-\w]{43}$/);
    expect(await tickets.issue(identity)).not.toBe(ticket);
    const { ask } = await connect(redeem.path(ticket));
    expect(await ask('who.am')).toEqual({ result: { ...identity, same: true } });
    const again = await refused(redeem.path(ticket));
    expect([again.status, again.body]).toEqual([401, 'The ticket is not valid, or has expired.\n']);
  });

  it('opens no session if its store returns a text', async () => {
    const { refused, log } = await start({
      ticketStore: { put: () => undefined, take: () => 'ann' as never },
    });
    expect((await refused({ path: '/ipc?ticket=t' })).status).toBe(500);
    expect(log.find('error', 'The store of tickets did not return an identity')).toHaveLength(1);
  });

  it.each(['', 'unknown', '__proto__', 'a&ticket=b'])(
    'is refused if it was never issued: "%s"',
    async (ticket) => {
      const { refused } = await start({ authorize: () => true });
      expect((await refused({ path: `/ipc?ticket=${ticket}` })).status).toBe(401);
    },
  );

  it('is refused after ticketMs', async () => {
    const { refused, app } = await start({ ticketMs: 60_000 });
    const ticket = await app.get(IpcTicketService).issue({ user: 'ann' });
    const later = performance.now() + 60_000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(later);
    try {
      expect((await refused(redeem.path(ticket))).status).toBe(401);
    } finally {
      clock.mockRestore();
    }
  });

  it('is passed to authorize, which decides', async () => {
    const seen: unknown[] = [];
    const { connect, refused, app } = await start({
      authorize: (_request, ticket) => {
        seen.push(ticket);
        return ticket?.user === 'ann' ? { ...ticket, user: 'Ann' } : ticket !== undefined;
      },
    });
    const tickets = app.get(IpcTicketService);
    const ann = await connect(redeem.path(await tickets.issue({ user: 'ann', frontend: 'f1' })));
    expect((await ann.ask('who.am')).result).toMatchObject({ user: 'Ann', frontend: 'f1' });
    const bob = await connect(redeem.path(await tickets.issue({ user: 'bob' })));
    expect((await bob.ask('who.am')).result).toMatchObject({ user: 'bob' });
    expect((await refused()).status).toBe(403);
    expect(seen).toEqual([{ user: 'ann', frontend: 'f1' }, { user: 'bob' }, undefined]);
  });

  it('is not replaced by those of a user who requests very many', async () => {
    const app = await start();
    const tickets = app.app.get(IpcTicketService);
    const ann = await tickets.issue({ user: { id: 'ann' } });
    const first = await tickets.issue({ user: { id: 'eve' } });
    for (let i = 0; i < 10_000; i++) await tickets.issue({ user: { id: 'eve' } });
    expect(await tickets.redeem(first)).toBeUndefined();
    expect(await tickets.redeem(ann)).toEqual({ user: { id: 'ann' } });
  });

  it('can be kept in a custom store, and be redeemed by another application', async () => {
    const kept = new Map<string, IpcIdentity>();
    const lives: number[] = [];
    const ticketStore = {
      put: async (ticket: string, identity: IpcIdentity, lifeMs: number) => {
        await nextTurn();
        lives.push(lifeMs);
        kept.set(ticket, identity);
      },
      take: async (ticket: string) => {
        if (ticket === 'broken') throw new Error('the store is broken');
        const identity = kept.get(ticket);
        kept.delete(ticket);
        return identity;
      },
    };
    const one = await start({ ticketStore, ticketMs: 1234 });
    const other = await start({ ticketStore });
    const ticket = await one.app.get(IpcTicketService).issue({ user: 'ann' });
    expect(lives).toEqual([1234]);
    expect((await (await other.connect(redeem.path(ticket))).ask('who.am')).result.user).toBe('ann');
    expect((await one.refused(redeem.path(ticket))).status).toBe(401);
    const broken = await one.refused(redeem.path('broken'));
    expect([broken.status, broken.body]).toEqual([500, 'Internal error\n']);
  });
});

describe('a limit of IpcModule', () => {
  it('holds for sessions, also if many are authorized at the same time', async () => {
    let asked = 0;
    const both = gate();
    const { connect, refused, host } = await start({
      limits: { sessions: 2 },
      authorize: () => {
        if (++asked === 1) return true;
        if (asked === 3) both.open();
        return both.opened.then(() => true);
      },
    });
    const { raw } = await connect();
    const outcomes = await Promise.allSettled([connect(), connect()]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const { status, body } = await refused();
    expect([status, body]).toEqual([503, 'The server has as many sessions as it can have.\n']);
    await raw.close();
    await until(() => host.sessions.length === 1);
    await connect();
  });

  it('holds for upgrades at the same time', async () => {
    const verdicts: ((verdict: boolean) => void)[] = [];
    const { connect, refused } = await start({
      limits: { upgrades: 2 },
      authorize: () => new Promise<boolean>((resolve) => verdicts.push(resolve)),
    });
    const waiting = [connect(), connect()];
    await until(() => verdicts.length === 2);
    const { status, body } = await refused();
    expect([status, body]).toEqual([503, 'Too many frontends are connecting at once.\n']);
    verdicts.forEach((decide) => decide(true));
    await Promise.all(waiting);
    const next = connect();
    await until(() => verdicts.length === 3);
    verdicts[2]!(true);
    await next;
  });
});

describe.each(Object.entries(adapters))('the pages that can connect, on %s', (_name, way) => {
  const good = 'https://ok.example';
  const evil = 'https://evil.example';
  const statusOf = async (app: { refused: Function }, headers: Record<string, string>) =>
    app.refused({ headers }).then(
      ({ status }: { status: number }) => status,
      () => 101,
    ) as Promise<number>;

  it.each<[string, IpcModuleOptions]>([
    ['a list', { origins: [good] }],
    ['a function', { origins: (origin) => origin === good }],
  ])('are those of %s', async (_how, ipc) => {
    const app = await start(ipc, { way });
    expect(await statusOf(app, { Origin: good })).toBe(101);
    expect(await statusOf(app, { Origin: 'http://localhost:1' })).toBe(101);
    expect(await statusOf(app, {})).toBe(101);
    expect(await statusOf(app, { Origin: 'null' })).toBe(403);
    const { status, body } = await app.refused({ headers: { Origin: evil } });
    expect([status, body]).toEqual([403, `Origin "${evil}" may not call this server.\n`]);
  });

  it('are all pages if origins is "*"', async () => {
    expect(await statusOf(await start({ origins: '*' }, { way }), { Origin: evil })).toBe(101);
  });

  it('are those of a listed host', async () => {
    const app = await start({ hosts: ['proxy.example.com', 'ported.example.com:8443'] }, { way });
    const hosts: [string, number][] = [
      ['localhost', 101],
      ['[::1]:1', 101],
      ['app.localhost', 101],
      ['Proxy.Example.com:8443', 101],
      ['ported.example.com', 403],
      ['other.example.com', 403],
      ['localhost.evil.example', 403],
    ];
    for (const [host, status] of hosts)
      expect([host, await statusOf(app, { Host: host })]).toEqual([host, status]);
    const headers = { Host: 'proxy.example.com', Origin: 'https://proxy.example.com' };
    expect(await statusOf(app, headers)).toBe(101);
    expect(await statusOf(app, { ...headers, Origin: evil })).toBe(403);
  });

  it('are checked before authorize runs', async () => {
    let asked = 0;
    const app = await start({ authorize: () => ++asked > 0 }, { way });
    expect(await statusOf(app, { Origin: evil })).toBe(403);
    expect(asked).toBe(0);
  });
});
