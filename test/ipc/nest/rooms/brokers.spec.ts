import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IpcTicketService } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../../harness/ipc.harness.js';
import type { BrokerProcess } from '../../../harness/broker.process.js';
import { brokers } from '../../../harness/brokers.js';
import { settled, until } from '../../../harness/waiting.js';

describe.each(Object.entries(brokers).filter(([, { isThere }]) => isThere))(
  'two Nest applications with %s',
  (_name, broker) => {
    let server: BrokerProcess;
    const frontends: IpcFrontend[] = [];
    beforeAll(async () => {
      server = await broker.start();
    });
    afterAll(() => server.stop());
    afterEach(async () => {
      for (const each of frontends.splice(0)) each.close();
      await closeIpcApps();
    });

    const start = () =>
      startIpcApp({
        ipc: {
          backplane: broker.connect(server.port),
          authorize: ({ headers }, ticket) => ticket ?? { user: { id: headers['x-user'] ?? 'nobody' } },
          limits: { userSessions: 2 },
        },
      });

    /** Connects a frontend with a ticket, and waits until other nodes find its session. */
    const enter = async (app: IpcTestApp, id: string) => {
      const known = new Set(app.host.sessions.map((each) => each.id));
      const ticket = await app.app.get(IpcTicketService).issue({ user: { id } });
      const address = `ws://127.0.0.1:${app.port}/ipc?ticket=${ticket}`;
      const frontend = new IpcFrontend(webSocketIpc(address), { reconnect: false });
      frontends.push(frontend);
      const news: unknown[] = [];
      frontend.addListener('news', (_event: unknown, first: unknown) => void news.push(first));
      frontend.handle('echo', async (...args: unknown[]) => args);
      frontend.handle('silent', () => new Promise(() => undefined));
      await frontend.ready;
      const session: IpcSession = await until(() => app.host.sessions.find((each) => !known.has(each.id)));
      return { frontend, news, session };
    };

    it('share rooms, users, presence and messages to all', async () => {
      const [one, two] = [await start(), await start()];
      const [ann, bob] = [await enter(one, 'ann'), await enter(two, 'bob')];
      const changes: string[] = [];
      one.host.watchRoom('hall', ({ type, member }) => changes.push(`${type} ${String(member.data)}`));
      await ann.session.join('hall', 'ann');
      // The watch and the topics of users begin in the background.
      await until(async () => {
        await bob.session.join('hall', 'bob');
        if (changes.includes('join bob')) return true;
        await bob.session.leave('hall');
        return false;
      });
      await until(async () => {
        await two.host.toUser({ id: 'ann' }).send('news', 'to ann');
        await one.host.send('news', 'to all');
        return ann.news.includes('to ann') && [ann, bob].every(({ news }) => news.includes('to all'));
      });
      for (const { host } of [one, two])
        expect((await host.presence('hall')).map(({ data }) => String(data)).toSorted()).toEqual([
          'ann',
          'bob',
        ]);
      for (let i = 0; i < 20; i++) await one.host.to('hall').except(ann.session).send('news', i);
      await until(() => bob.news.includes(19));
      const numbers = ({ news }: typeof ann) => news.filter((each) => typeof each === 'number');
      expect([numbers(ann), numbers(bob)]).toEqual([[], Array.from({ length: 20 }, (_, i) => i)]);
      expect(bob.news).not.toContain('to ann');
      await bob.session.leave('hall');
      await until(() => changes.includes('leave bob'));
    });

    it('call the frontend of a session by its id, with deadline and abort', async () => {
      const [one, two] = [await start(), await start()];
      const ann = await enter(one, 'ann');
      const at = (options?: Parameters<typeof two.host.session>[1]) =>
        two.host.session(ann.session.id, options);
      const bytes = Uint8Array.of(1, 2, 3);
      expect(
        await until(() =>
          at()
            .invoke('echo', 7, bytes)
            .catch(() => undefined),
        ),
      ).toEqual([7, bytes]);
      await expect(at({ timeoutMs: 50 }).invoke('silent')).rejects.toThrow('within 50 ms');
      const leaving = new AbortController();
      const left = at({ signal: leaving.signal }).invoke('silent');
      await settled();
      leaving.abort(new Error('enough'));
      await expect(left).rejects.toThrow('enough');
      await expect(two.host.session('nobody').invoke('echo')).rejects.toMatchObject({ failure: 'absent' });
    });

    it('redeem the tickets of each other, once', async () => {
      const [one, two] = [await start(), await start()];
      const ticket = await one.app.get(IpcTicketService).issue({ user: { id: 'eve' } });
      const service = two.app.get(IpcTicketService);
      expect(await service.redeem(ticket)).toEqual({ user: { id: 'eve' } });
      expect([await service.redeem(ticket), await one.app.get(IpcTicketService).redeem(ticket)]).toEqual([
        undefined,
        undefined,
      ]);
    });

    it('count the sessions of a user together', async () => {
      const [one, two] = [await start(), await start()];
      await enter(one, 'dan');
      await enter(two, 'dan');
      const third = await enter(one, 'dan').catch(() => undefined);
      await until(() => third === undefined || !third.session.isOpen);
      const other = await enter(two, 'eva');
      expect(other.session.isOpen).toBe(true);
    });
  },
);
