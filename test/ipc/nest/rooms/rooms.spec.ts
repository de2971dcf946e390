import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, ForbiddenException, UseGuards } from '@nestjs/common';
import { CallContext, CurrentSession, IpcChannel, IpcHost, IpcTicketService } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { ipcChannel, memoryBackplane } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { of } from 'rxjs';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { FaultProxy } from '../../client/fault.proxy.js';
import { settled, until } from '../../../harness/waiting.js';

interface FloorIpc {
  join(room: string, data?: unknown): Promise<string[]>;
  shout(room: string, text: string): Promise<void>;
}
const floor = ipcChannel<FloorIpc, { heard(text: string): void }>('floor');

class NoEve {
  canActivate(context: Parameters<typeof CallContext.from>[0]): boolean {
    if (CallContext.from(context)?.session?.user === 'eve') throw new ForbiddenException('Not you.');
    return true;
  }
}

@Controller()
@IpcChannel(floor)
class FloorHandler {
  @UseGuards(NoEve)
  async join(room: string, data: unknown, @CurrentSession() session?: IpcSession) {
    await session!.join(room, data);
    return [...session!.rooms];
  }

  async shout(room: string, text: string, @CurrentSession() session?: IpcSession) {
    await IpcHost.to(room).except(session!).notifications(floor).heard(text);
  }
}

const start = (backplane = memoryBackplane()) =>
  startIpcApp({
    providers: [FloorHandler],
    ipc: {
      backplane,
      authorize: ({ headers }) => ({ user: headers['x-user'] ?? 'nobody' }),
      rooms: { authorize: (_session, room) => room !== 'closed' },
    },
  });

describe('rooms in a Nest application', () => {
  afterEach(closeIpcApps);

  it('are joined behind guards and the policy, and reach frontends of the compatible wire', async () => {
    const app = await start();
    const ada = await app.connect();
    const grace = await app.connect();
    const eve = await app.connect({ headers: { 'x-user': 'eve' } });
    expect(await ada.ask('floor.join', 'hall')).toEqual({ result: ['hall'] });
    expect(await grace.ask('floor.join', 'hall', { color: 'red' })).toEqual({ result: ['hall'] });
    expect(await eve.fail('floor.join', 'hall')).toMatchObject({ message: 'Not you.' });
    expect(await grace.fail('floor.join', 'closed')).toMatchObject({
      message: 'This session may not join the room.',
    });
    await ada.ask('floor.shout', 'hall', 'hello');
    expect(await grace.raw.nextMessage()).toMatchObject({ channel: 'itwin.floor', data: ['heard', 'hello'] });
    await settled();
    const members = await app.host.presence('hall');
    expect(members.map(({ user, data }) => [user, data])).toEqual([
      ['nobody', undefined],
      ['nobody', { color: 'red' }],
    ]);
  });

  it('keep a frontend whose connection is broken, and report its leave when its session ends', async () => {
    const app = await start();
    const changes: string[] = [];
    app.host.watchRoom('hall', ({ type }) => changes.push(type));
    const proxy = await new FaultProxy(app.port).listen();
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`));
    const heard: unknown[] = [];
    frontend.addListener('floor', (_event: unknown, _name: unknown, text: unknown) => void heard.push(text));
    await frontend.makeIpcProxy<FloorIpc>(floor).join('hall');
    proxy.refuses = true;
    await until(() => frontend.state !== 'open');
    await app.host.to('hall').notifications(floor).heard('while away');
    expect([(await app.host.presence('hall')).length, changes]).toEqual([1, ['join']]);
    proxy.refuses = false;
    await until(() => heard.length > 0);
    expect([heard, changes]).toEqual([['while away'], ['join']]);
    frontend.close();
    await until(() => changes.length === 2);
    expect([changes, await app.host.presence('hall')]).toEqual([['join', 'leave'], []]);
    proxy.close();
  });

  it('are those of all nodes, with users and tickets', async () => {
    const backplane = memoryBackplane();
    const [one, two] = [await start(backplane), await start(backplane)];
    const ticket = await one.app.get(IpcTicketService).issue({ user: { id: 1 }, frontend: 'tab' });
    const service = two.app.get(IpcTicketService);
    expect(await service.redeem(ticket)).toEqual({ user: { id: 1 }, frontend: 'tab' });
    expect(await one.app.get(IpcTicketService).redeem(ticket)).toBeUndefined();
    const ada = await two.connect({ headers: { 'x-user': 'ada' } });
    await settled();
    await one.host.toUser('ada').send('floor', 'heard', 'user');
    expect(await ada.raw.nextMessage()).toMatchObject({ channel: 'itwin.floor', data: ['heard', 'user'] });
  });

  it('are not those of another user if JSON cannot carry either of them', async () => {
    let id = 0n;
    const app = await startIpcApp({
      providers: [FloorHandler],
      ipc: { authorize: () => ({ user: { id: ++id } }) },
    });
    const [one, two] = [await app.connect(), await app.connect()];
    expect(() => app.host.toUser({ id: 1n })).toThrow('userKey');
    await app.host.toUser('ann').send('floor', 'heard', 'nobody');
    await app.host.send('floor', 'heard', 'all');
    for (const each of [one, two])
      expect(await each.raw.nextMessage()).toMatchObject({ data: ['heard', 'all'] });
  });

  it.each<[string, any]>([
    ['undefined', undefined],
    ['a text', 'no'],
    ['an object', {}],
    ['an Observable', of(true)],
    ['a promise of a text', Promise.resolve('yes')],
  ])('are not joined if the policy returns %s', async (_what, verdict) => {
    const app = await startIpcApp({
      providers: [FloorHandler],
      ipc: { authorize: () => ({ user: 'ada' }), rooms: { authorize: () => verdict } },
    });
    const ada = await app.connect();
    expect(await ada.fail('floor.join', 'hall')).toMatchObject({
      message: 'This session may not join the room.',
    });
    expect((await app.session()).rooms).toEqual([]);
  });
});
