import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { defaultIpcLimits, IpcFrontend, IpcRooms, IpcServer, memoryIpc } from '@linnet/common';
import type { CallReport, IpcLimits, RoomChange, RoomPolicy } from '@linnet/common';
import type { ServerSession } from '../../libs/common/src/ipc/dispatcher/server.session.js';
import { topicOfUser } from '../../libs/common/src/ipc/node/topic.names.js';
import { settled, until } from '../harness/waiting.js';
import type { BackplaneUnderTest } from './backplane.conformance.js';

interface Node {
  readonly server: IpcServer;
  readonly rooms: IpcRooms;
  readonly reports: CallReport[];
  /** Connects a frontend. */
  connect(user?: unknown, compatible?: boolean): Promise<Client>;
}

interface Client {
  readonly frontend: IpcFrontend;
  readonly session: IpcServer['sessions'][number];
  /** The arguments of the notifications on channel `news`. */
  readonly news: unknown[][];
}

let count = 0;

/** The promises of rooms, users, presence and remote sessions, over any backplane or none. */
export function roomsPromises(name: string, backplane?: () => BackplaneUnderTest): void {
  describe(`rooms over ${name}`, () => {
    const open: (() => Promise<unknown>)[] = [];
    const room = (label: string) => `${label} of test ${count}`;

    const start = (props: { limits?: Partial<IpcLimits>; rooms?: RoomPolicy } = {}): Node => {
      const limits = { ...defaultIpcLimits, ...props.limits };
      const server = new IpcServer({ limits, invokeTimeoutMs: 20_000 });
      const reports: CallReport[] = [];
      const rooms = new IpcRooms(server, {
        rooms: props.rooms,
        backplane: backplane?.().connect(),
        userKey: (user) =>
          JSON.stringify(user, (_key, value: unknown) => (typeof value === 'bigint' ? 'big' : value)),
        invokeTimeoutMs: 20_000,
        report: (report) => reports.push(report),
      });
      open.push(async () => {
        await server.close(0);
        await server.ended();
        await rooms.close();
      });
      // One after the other, so that each finds its own session.
      let before: Promise<unknown> = Promise.resolve();
      const connect = (user?: unknown, compatible = false): Promise<Client> => {
        const client = before.then(() => connectNext(user, compatible));
        before = client.catch(() => undefined);
        return client;
      };
      const connectNext = async (user: unknown, compatible: boolean): Promise<Client> => {
        const known = new Set(server.sessions);
        const frontend = new IpcFrontend(memoryIpc(server, { user, compatible }), { reconnect: false });
        const news: unknown[][] = [];
        frontend.addListener('news', (_event: unknown, ...args: unknown[]) => void news.push(args));
        frontend.handle('echo', async (...args: unknown[]) => args);
        await frontend.ready;
        const session = await until(() => server.sessions.find((each) => !known.has(each)));
        return { frontend, session, news };
      };
      return { server, rooms, reports, connect };
    };
    /** As many nodes as there can be: without a backplane one. */
    const startTwo = (): [Node, Node] => {
      const first = start();
      return [first, backplane ? start() : first];
    };
    const numbers = (client: Client) => client.news.map(([first]) => first);

    afterEach(async () => {
      count++;
      await Promise.all(open.splice(0).map((close) => close()));
    });

    it('bring a message to the members, once and in order, and to nobody else', async () => {
      const [one, two] = startTwo();
      const [near, far, old, outside] = await Promise.all([
        one.connect(),
        two.connect(),
        two.connect(undefined, true),
        two.connect(),
      ]);
      await Promise.all([near, far, old].map(({ session }) => session.join(room('a'))));
      const sent = Array.from({ length: 100 }, (_, i) => one.rooms.to(room('a')).send('news', i));
      await Promise.all(sent);
      await two.rooms.to(room('a')).send('news', 'end');
      const expected = Array.from({ length: 100 }, (_, i) => i);
      for (const member of [near, far, old]) {
        await until(() => member.news.length === 101);
        expect(numbers(member).filter((each) => each !== 'end')).toEqual(expected);
      }
      await settled();
      expect([outside.news, near.news.length]).toEqual([[], 101]);
    });

    it('carry values and bytes', async () => {
      const [one, two] = startTwo();
      const member = await two.connect();
      await member.session.join(room('a'));
      const values = [{ list: [1, 'zwei', null], deep: { bytes: new Uint8Array([1, 2, 255]) } }, 'ümlaut'];
      await one.rooms.to(room('a')).send('news', ...values);
      await until(() => member.news.length > 0);
      expect(member.news).toEqual([values]);
    });

    it('leave out a sender, and bring a message once to a member of several rooms', async () => {
      const [one, two] = startTwo();
      const [both, onlyB, sender] = await Promise.all([two.connect(), two.connect(), two.connect()]);
      await Promise.all([
        both.session.join(room('a')),
        both.session.join(room('b')),
        onlyB.session.join(room('b')),
        sender.session.join(room('a')),
      ]);
      await one.rooms.to(room('a'), room('b')).except(sender.session).send('news', 1);
      await one.rooms.to(room('a')).send('news', 2);
      await until(() => sender.news.length === 1 && both.news.length >= 2 && onlyB.news.length === 1);
      await settled();
      expect([both, onlyB, sender].map(numbers)).toEqual([[1, 2], [1], [2]]);
    });

    it('end for a session that leaves, and for one that ends', async () => {
      const [one, two] = startTwo();
      const [left, ended, stays] = await Promise.all([two.connect(), two.connect(), two.connect()]);
      await Promise.all([left, ended, stays].map(({ session }) => session.join(room('a'))));
      await left.session.leave(room('a'));
      ended.frontend.close();
      await ended.session.closed;
      expect([left.session.rooms, stays.session.rooms]).toEqual([[], [room('a')]]);
      await until(async () => (await one.rooms.presence(room('a'))).length === 1);
      await one.rooms.to(room('a')).send('news', 1);
      await until(() => stays.news.length === 1);
      await settled();
      expect(left.news).toEqual([]);
    });

    it('await the end of a session once, however often it joins', async () => {
      const [node] = startTwo();
      const { session } = await node.connect();
      const awaited = jest.spyOn(session.closed, 'then');
      for (let i = 0; i < 3; i++) {
        await session.join(room('a'));
        await session.leave(room('a'));
      }
      expect(awaited).toHaveBeenCalledTimes(1);
    });

    it('reach every session of a user, and every session of all nodes', async () => {
      const [one, two] = startTwo();
      const ada = { name: 'Ada' };
      const [first, second, other] = await Promise.all([
        one.connect(ada),
        two.connect(ada),
        two.connect({ name: 'Grace' }),
      ]);
      // Sessions announce their users in the background.
      await until(async () => {
        await one.rooms.toUser(ada).send('news', 'user');
        return second.news.length > 0;
      });
      await one.rooms.sendToAll('itwin.news', ['all']);
      await until(() => [first, second, other].every(({ news }) => news.some(([each]) => each === 'all')));
      expect(numbers(other)).toEqual(['all']);
      expect(numbers(first)).toContain('user');
    });

    it('list their members with user and data, and report joins and leaves', async () => {
      const [one, two] = startTwo();
      const early = await two.connect({ name: 'Early' });
      await early.session.join(room('a'));
      const changes: RoomChange[] = [];
      const stop = one.rooms.watch(room('a'), (change) => changes.push(change));
      const [near, far] = await Promise.all([one.connect(), two.connect({ name: 'Ada' })]);
      // Functions of a backplane take effect in the order of the calls: the watch has begun.
      await one.rooms.presence(room('a'));
      await far.session.join(room('a'), { color: 'red' });
      await near.session.join(room('a'));
      await near.session.leave(room('a'));
      far.frontend.close();
      await until(() => changes.filter(({ type }) => type === 'leave').length >= 2);
      const member = { session: far.session.id, user: { name: 'Ada' }, data: { color: 'red' } };
      expect(changes.filter((change) => change.member.session === far.session.id)).toEqual([
        { type: 'join', room: room('a'), member },
        { type: 'leave', room: room('a'), member },
      ]);
      expect(changes.filter((change) => change.member.session === early.session.id)).toEqual([]);
      await until(async () => (await one.rooms.presence(room('a'))).length === 1);
      expect(await two.rooms.presence(room('a'))).toEqual([
        { session: early.session.id, user: { name: 'Early' } },
      ]);
      stop();
    });

    it('report the error of a listener, of an asynchronous one as well', async () => {
      const node = start();
      const ada = await node.connect();
      const fail = () => {
        throw new Error('at once');
      };
      node.rooms.watch(room('a'), fail);
      const failLater: () => unknown = async () => Promise.reject(new Error('later'));
      node.rooms.watch(room('a'), failLater);
      await ada.session.join(room('a'));
      const thrown = () => node.reports.map((report) => 'thrown' in report && String(report.thrown));
      await until(() => thrown().includes('Error: later') && thrown().includes('Error: at once'));
    });

    it('call the frontend of a session by its id, and reject for one that does not exist', async () => {
      const [one, two] = startTwo();
      const client = await two.connect();
      const remote = one.rooms.session(client.session.id);
      const found = () =>
        remote.send('news', 'hello').then(
          () => true,
          () => false,
        );
      await until(found);
      await until(() => client.news.length > 0);
      expect(await remote.invoke('echo', 1, new Uint8Array([7]))).toEqual([1, new Uint8Array([7])]);
      await expect(remote.invoke('echo', new Map())).rejects.toThrow('echo: The value cannot be sent');
      await expect(one.rooms.session('nobody').invoke('echo')).rejects.toMatchObject({ failure: 'absent' });
      let slow = 0;
      client.frontend.handle('slow', () => {
        slow++;
        return new Promise(() => undefined);
      });
      const late = one.rooms.session(client.session.id, { timeoutMs: 50 }).invoke('slow');
      await expect(late).rejects.toThrow('within 50 ms');
      const controller = new AbortController();
      const aborted = one.rooms.session(client.session.id, { signal: controller.signal }).invoke('slow');
      controller.abort(new Error('not needed any more'));
      await expect(aborted).rejects.toThrow('not needed any more');
      // The node of the session waits no longer either, even for an answer that may take for ever.
      const { session } = client;
      const waits: Promise<unknown>[] = [];
      const { passInvoke } = session as ServerSession;
      (session as ServerSession).passInvoke = function (...args) {
        const wait = passInvoke.apply(this, args);
        waits.push(wait.catch((error: unknown) => error));
        return wait;
      };
      const ending = new AbortController();
      const cancelled = one.rooms.session(session.id, { timeoutMs: 0, signal: ending.signal }).invoke('slow');
      await until(() => waits.length > 0);
      ending.abort(new Error('given up'));
      await expect(cancelled).rejects.toThrow('given up');
      expect(await waits[0]).toBeInstanceOf(Error);
      const before = slow;
      const lost = remote.invoke('slow');
      await until(() => slow > before);
      client.frontend.close();
      await expect(lost).rejects.toThrow('is over');
    });

    (backplane ? it : it.skip)(
      'have no more sessions of one user over all nodes than the limit',
      async () => {
        const limits = { userSessions: 2 };
        const [one, two] = [start({ limits }), start({ limits })];
        const user = `user of ${room('a')}`;
        const group = topicOfUser(user, JSON.stringify, defaultIpcLimits)!;
        const sessions = async () => (await one.rooms.backplane!.list(group)).length;
        const first = await one.connect(user);
        const second = await two.connect(user);
        await two.connect('another one');
        await until(async () => (await sessions()) === 2);
        const third = new IpcFrontend(memoryIpc(one.server, { user }), { reconnect: false });
        const refused = new Promise((resolve) =>
          third.onStateChange((_state, closure) => closure && resolve(closure.code)),
        );
        // The second one may be counted as late as the third.
        const code = await Promise.race([refused, second.session.closed.then((closure) => closure.code)]);
        expect([code, first.session.isOpen]).toEqual([1013, true]);
        for (const frontend of [first.frontend, second.frontend, third]) frontend.close();
        await until(async () => (await sessions()) === 0);
        const next = await two.connect(user);
        await until(async () => (await sessions()) > 0);
        await settled();
        expect(next.session.isOpen).toBe(true);
      },
    );

    it('refuse whom the policy refuses, names that are too long, and rooms above the limits', async () => {
      const node = start({
        limits: { sessionRooms: 2, roomMembers: 1, roomName: 40, memberText: 50 },
        rooms: { authorize: async (session, name) => session.user !== 'Eve' || name !== room('a') },
      });
      const [eve, ada] = await Promise.all([node.connect('Eve'), node.connect('Ada')]);
      await expect(eve.session.join(room('a'))).rejects.toThrow('may not join');
      await ada.session.join(room('a'), 'x'.repeat(10));
      await expect(ada.session.join('x'.repeat(41))).rejects.toThrow('1 to 40 characters');
      await expect(ada.session.join('')).rejects.toThrow('1 to 40 characters');
      await expect(ada.session.join(room('b'), 'x'.repeat(60))).rejects.toThrow('50 characters');
      await ada.session.join(room('b'));
      await expect(ada.session.join(room('c'))).rejects.toThrow('2 rooms');
      await expect(eve.session.join(room('b'))).rejects.toThrow('1 members');
      expect([eve.session.rooms, ada.session.rooms]).toEqual([[], [room('a'), room('b')]]);
      ada.frontend.close();
      await ada.session.closed;
      await expect(ada.session.join(room('a'))).rejects.toThrow('is over');
    });

    it('list a member without a user that JSON cannot carry, and refuse such data', async () => {
      const node = start();
      const ada = await node.connect({ id: 1n });
      await ada.session.join(room('a'), 'data');
      expect(await node.rooms.presence(room('a'))).toEqual([{ session: ada.session.id, data: 'data' }]);
      await expect(ada.session.join(room('b'), 1n)).rejects.toThrow('join: The value cannot be sent');
      await expect(ada.session.join(room('b'), new Uint8Array(1))).rejects.toThrow('has bytes');
      expect(ada.session.rooms).toEqual([room('a')]);
      // Other nodes read 64 levels.
      const deep = (levels: number): unknown => (levels === 0 ? 0 : [deep(levels - 1)]);
      await expect(ada.session.join(room('b'), deep(64))).rejects.toThrow('64 levels');
      await ada.session.join(room('c'), deep(63));
      await ada.session.leave(room('c'));
      expect(ada.session.rooms).toEqual([room('a')]);
    });

    it('refuse values that cannot be sent, whoever is in the room', () => {
      const node = start();
      expect(() => node.rooms.to(room('a')).send('news', 1n)).toThrow('news: The value cannot be sent');
      expect(() => node.rooms.toUser(undefined)).toThrow('needs a user');
    });
  });
}
