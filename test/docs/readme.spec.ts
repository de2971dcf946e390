import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IpcModule, RpcModule } from '@linnet/backend';
import type { IpcChannelDefinition, RpcInterfaceDefinition } from '@linnet/backend';
import { createTestIpcSession, createTestRpcClient } from '@linnet/backend/testing';
import { extracted, placeOf, readGuide } from './guide.js';
import { writeGuide } from './guide.run.js';
import { soon } from './shown.js';

// Claims of the README about its examples, beyond their code.

const readme = readGuide('README.md');
await writeGuide(readme);
const run = async <T>(file: string) => (await import(placeOf(readme, file))) as T;

/** Files that both sides share: a page cannot import what imports Nest. */
it.each(['calculator.ts', 'clock.channel.ts'])(
  '%s of the README imports nothing from the backend',
  (file) => {
    expect(readme.files.get(file)).not.toContain('@linnet/backend');
  },
);

interface Shelves {
  weigh(shelf: unknown): Promise<number>;
}

afterAll(() => rmSync(extracted, { recursive: true, force: true }));

describe('the README', () => {
  it("shows Nest's guards and pipes around a method, and an exception that keeps its status", async () => {
    const { Shelves, ShelvesImpl, BadgeGuard } = await run<Record<string, Type>>('shelves.ts');
    const providers = [ShelvesImpl!, BadgeGuard!];
    const module = await Test.createTestingModule({ imports: [RpcModule.forRoot()], providers }).compile();
    const definition = Shelves as unknown as RpcInterfaceDefinition<Shelves>;
    const authorization = 'Badge 7';
    const shelves = await createTestRpcClient(module, definition, { authorization });
    expect(await shelves.with({ activityId: 'four' }).weigh('3')).toBe(12);
    await expect(shelves.weigh('x')).rejects.toMatchObject({ status: 400 });
    const missing = { status: 404, name: 'NotFoundException', message: 'Shelf 100 does not exist.' };
    await expect(shelves.weigh(100)).rejects.toMatchObject(missing);
    await module.close();
  });

  it('shows a smallest session, which makes calls and receives notifications until it ends', async () => {
    const { ClockHandler } = await run<{ ClockHandler: Type }>('clock.handler.ts');
    const { clockChannel } = await run<{ clockChannel: IpcChannelDefinition }>('clock.channel.ts');
    const destroyed = jest.spyOn(ClockHandler.prototype as { onModuleDestroy(): void }, 'onModuleDestroy');
    const imports = [IpcModule.forRoot()];
    const module = await Test.createTestingModule({ imports, providers: [ClockHandler] }).compile();
    const session = await createTestIpcSession(module);
    const pushed: unknown[] = [];
    session.addListener(clockChannel, (_event, ...message) => pushed.push(message));
    expect(await session.callIpcChannel(clockChannel, 'start', 5)).toBe('started');
    const first = [1, 2].map((count) => ['tick', count]);
    await soon('two ticks', () => pushed.slice(0, 2), first);
    session.close();
    await soon('the end of the handler', () => destroyed.mock.calls.length, 1);
    await module.close();
  });
});
