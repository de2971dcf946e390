import { Module } from '@nestjs/common';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { CurrentSession, IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';
import { GuaranteesBase, GuaranteesModule } from '../tables/guarantees.fixture.js';
import type { gate } from '../../harness/waiting.js';

// The methods that our frontend calls, over every connection.

@IpcChannel('guarantees')
export class GuaranteesHandler extends GuaranteesBase {}

@IpcChannel('other')
export class OtherHandler {
  async which() {
    return 'other';
  }
}

/** The gates that calls of `later` wait for, by name. */
export const gates = new Map<string, ReturnType<typeof gate>>();

/** Calls and notifications on a channel, in the session of the call. */
@IpcChannel('channels')
export class ChannelsHandler implements OnModuleInit {
  readonly #heard: unknown[][] = [];
  constructor(private readonly host: IpcHost) {}

  onModuleInit() {
    this.host.addListener('heard', (_event, ...args: unknown[]) => void this.#heard.push(args));
    this.host.handle('bare', (_event, method, ...args: unknown[]) => [method, ...args]);
  }

  async which() {
    return 'channels';
  }
  /** Answers when the test opens the gate of that name, in {@link gates}. */
  async later(name: string, value: unknown) {
    await gates.get(name)!.opened;
    return value;
  }
  /** The messages received without a call, in the order of their handling. */
  async heard() {
    return this.#heard.splice(0);
  }
  async notifyAll(channel: string, count: number) {
    for (let i = 0; i < count; i++)
      void this.host.send(channel, i, ...(i % 2 > 0 ? [Uint16Array.of(i)] : []));
  }
  async tell(channel: string, value: unknown, @CurrentSession() session?: IpcSession) {
    await session!.send(channel, value);
  }
  async ask(channel: string, value: unknown, @CurrentSession() session?: IpcSession) {
    return { reply: await session!.invoke(channel, value) };
  }
  async askMethod(channel: string, method: string, value: unknown, @CurrentSession() session?: IpcSession) {
    try {
      return { result: await session!.callIpcChannel(channel, method, value) };
    } catch (error) {
      return { message: (error as Error).message };
    }
  }
}

let destroyed = 0;

/** One for each session. */
@IpcChannel('mine')
export class MyHandler implements OnModuleDestroy {
  #count = 0;
  constructor(private readonly session: IpcSession) {}

  async count() {
    return [++this.#count, this.session.isOpen];
  }
  onModuleDestroy() {
    destroyed++;
  }
}

@IpcChannel('ended')
export class EndedHandler {
  async count() {
    return destroyed;
  }
}

@Module({
  imports: [GuaranteesModule, IpcModule.forRoot({ path: '/ipc' })],
  providers: [GuaranteesHandler, OtherHandler, ChannelsHandler, MyHandler, EndedHandler],
})
export class FrontendModule {}
