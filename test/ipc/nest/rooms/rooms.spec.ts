import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, ForbiddenException, UseGuards } from '@nestjs/common';
import { CallContext, CurrentSession, IpcChannel, IpcHost, IpcTicketService } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { ipcChannel, memoryBackplane } from '@linnet/common';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { settled } from '../../../harness/waiting.js';

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
});
