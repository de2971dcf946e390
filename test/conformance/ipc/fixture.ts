import { createHash } from 'node:crypto';
import { Injectable, Module } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { IModelError, IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';
import { ConformanceModule, pattern } from '../tables/fixture.js';
import { kinds } from '../../ipc/wire/raw.frontend.js';

// The channels of test/vectors/FIXTURE.md, section 3, as providers of a Nest application.

const kindBytes = Buffer.from('000102030405060708090a0b0c0d407f', 'hex');

const hexOf = (view: ArrayBufferView) =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex');

function describe(value: unknown): { kind: string; hex?: string } {
  if (ArrayBuffer.isView(value)) return { kind: value.constructor.name, hex: hexOf(value) };
  if (value === null) return { kind: 'null' };
  return { kind: Array.isArray(value) ? 'array' : typeof value };
}

/**
 * Calls of `delay` and `conf-raw-slow` that wait, in the order of their start. The test ends each one. FIXTURE.md lets them
 * wait for a time instead.
 */
export const slowCalls: { end(): void }[] = [];

function held<T>(value: T): Promise<T> {
  return new Promise((resolve) => slowCalls.push({ end: () => resolve(value) }));
}

/** The messages received without a call. */
@Injectable()
class SendLog {
  #entries: unknown[][] = [];

  add(...entry: unknown[]): void {
    this.#entries.push(entry);
  }
  take(): unknown[][] {
    const taken = this.#entries;
    this.#entries = [];
    return taken;
  }
}

/** Counts calls, for all sessions together. */
@Injectable()
class Counters {
  readonly #counts = new Map<string, number>();

  next(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

/** As the reference's: its class name is part of a recorded message. */
@IpcChannel('conf-test')
class ConfTestHandler {
  constructor(
    private readonly session: IpcSession,
    private readonly host: IpcHost,
    private readonly log: SendLog,
    private readonly counters: Counters,
  ) {}

  async echo(...values: unknown[]) {
    return values;
  }
  async one(value: unknown) {
    return value;
  }
  async nothing() {
    return null;
  }
  async none() {}
  async add(a: number, b: number) {
    return a + b;
  }
  async delay(_ms: number, value: unknown) {
    return held(value);
  }
  async invert(bytes: Uint8Array) {
    return bytes.map((byte) => byte ^ 255);
  }
  async digest(bytes: Uint8Array) {
    return { length: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  async make(size: number, seed: number) {
    return pattern(size, seed);
  }
  async describe(value: unknown) {
    return describe(value);
  }
  async kinds() {
    return Object.fromEntries(kinds.map((Kind) => [Kind.name, new Kind(Uint8Array.from(kindBytes).buffer)]));
  }
  async throwPlain(message: string): Promise<void> {
    throw new Error(message);
  }
  async throwBentley(errorNumber: number, message: string): Promise<void> {
    // As iTwin.js errors carry what is for the log.
    throw Object.defineProperties(new IModelError(errorNumber, message), {
      hasMetaData: { value: true },
      loggingMetadata: { value: { hint: 'meta' } },
    });
  }
  async throwITwin(scope: string, key: string, message: string, members: object): Promise<void> {
    throw Object.assign(new Error(message), { iTwinErrorId: { scope, key }, ...members, name: key });
  }
  async throwString(text: string): Promise<void> {
    throw text as unknown;
  }
  async throwObject(value: unknown): Promise<void> {
    throw value;
  }
  throwSync(message: string): Promise<void> {
    throw new Error(message);
  }
  async takeLog() {
    return this.log.take();
  }
  async counter(key: string) {
    return this.counters.next(key);
  }
  async push(name: string, count: number, binarySize: number) {
    for (let i = 0; i < count; i++)
      void this.host.send(name, ...(binarySize > 0 && i % 2 > 0 ? [i, pattern(binarySize, i)] : [i]));
  }
  async pushArgs(name: string, ...args: unknown[]) {
    void this.host.send(name, ...args);
  }
  async callFrontend(name: string, ...args: unknown[]) {
    return { reply: await this.session.invoke(name, ...args) };
  }
  async callFrontendProxy(name: string, method: string, ...args: unknown[]) {
    try {
      return { ok: true, result: await this.session.callIpcChannel(name, method, ...args) };
    } catch (error) {
      if (typeof error !== 'object' || error === null) return { ok: false, errorInfo: error };
      const { message, errorNumber, iTwinErrorId, loggingMetadata } = error as Record<string, unknown>;
      return { ok: false, errorInfo: { message, errorNumber, iTwinErrorId, loggingMetadata } };
    }
  }
}

@IpcChannel('other')
class OtherHandler {
  async which() {
    return 'other';
  }
}

/** Rooms, which a backend of iTwin.js does not have: a frontend receives their messages all the same. */
@IpcChannel('conf-room')
class RoomHandler {
  constructor(
    private readonly session: IpcSession,
    private readonly host: IpcHost,
  ) {}

  async enter(room: string) {
    await this.session.join(room);
  }
  async say(room: string, name: string, ...args: unknown[]) {
    await this.host.to(room).send(name, ...args);
  }
}

/** The channels without an envelope, and those that are only listened to. */
@Injectable()
class ConfChannels implements OnModuleInit {
  constructor(
    private readonly host: IpcHost,
    private readonly log: SendLog,
  ) {}

  onModuleInit() {
    const { host, log } = this;
    host.ipc.handle('conf-raw', (_event, method, ...args: unknown[]) => [method, ...args]);
    host.ipc.handle('conf-raw-slow', (_event, method) => held([method]));
    host.ipc.addListener('conf-send', (_event, ...args: unknown[]) =>
      log.add(...args.map((arg) => (ArrayBuffer.isView(arg) ? describe(arg) : arg))),
    );
    host.addListener('conf-app-send', (_event, ...args: unknown[]) => log.add('app', ...args));
    host.ipc.addListener('conf-send-push', (_event, ...args: unknown[]) => {
      void host.ipc.send('conf-send-push', ...args);
    });
  }
}

const providers = [SendLog, Counters, ConfTestHandler, OtherHandler, RoomHandler, ConfChannels];

@Module({ imports: [ConformanceModule, IpcModule.forRoot({ path: '/ipc', exposeErrors: 'all' })], providers })
export class IpcConformanceModule {}

/** The same in development mode, where errors have their stack traces. */
@Module({
  imports: [
    ConformanceModule,
    IpcModule.forRoot({ path: '/ipc', exposeErrors: 'all', developmentMode: true }),
  ],
  providers,
})
export class IpcDevelopmentModule {}
