import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { IpcChannel, IpcHost, IpcModule } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import type { IpcLimits, IpcSession } from '@linnet/common';
import { startApp } from '../../harness/nest.harness.js';
import type { LogRecorder, TestApp } from '../../harness/nest.harness.js';
import { RawFrontend } from './raw.frontend.js';
import type { RawFrontendOptions } from './raw.frontend.js';
import { until } from '../../harness/waiting.js';

/** The methods that frontends of these tests call. */
export const CHANNEL = 'itwin.test';

const released: (() => void)[] = [];

@IpcChannel('test')
export class TestIpcHandler {
  /** Calls that wait, until {@link release}. */
  static waiting = 0;
  static calls = 0;

  static reset(): void {
    this.calls = 0;
    this.release();
  }

  static release(): void {
    for (const release of released.splice(0)) release();
  }

  echo(...args: unknown[]): unknown {
    TestIpcHandler.calls++;
    return args;
  }

  /** Answers after so many turns of the event loop: answers to later calls can overtake it. */
  async answerLater(turns: number, value: unknown): Promise<unknown> {
    TestIpcHandler.calls++;
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    return value;
  }

  async waitForRelease(value: unknown): Promise<unknown> {
    TestIpcHandler.calls++;
    TestIpcHandler.waiting++;
    await new Promise<void>((resolve) => released.push(resolve));
    TestIpcHandler.waiting--;
    return value;
  }

  /** So many bytes, each the lowest of its position. */
  bytes(length: number): Uint8Array {
    TestIpcHandler.calls++;
    // `Uint8Array.from` takes seconds for some megabytes.
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = i;
    return bytes;
  }

  text(length: number): string {
    TestIpcHandler.calls++;
    return 'x'.repeat(length);
  }
}

export interface IpcApp extends TestApp {
  readonly host: IpcHost;
  open(options?: RawFrontendOptions): Promise<RawFrontend>;
  /** Opens a frontend, and resolves with it and its session. */
  pair(options?: RawFrontendOptions): Promise<[RawFrontend, IpcSession]>;
}

export interface IpcAppSetup extends Omit<IpcModuleOptions, 'limits'> {
  limits?: Partial<IpcLimits>;
  providers?: Provider[];
  imports?: (Type | DynamicModule)[];
}

/** Starts an application with IPC; `closeApps` of the harness ends it. */
export async function startIpc(setup: IpcAppSetup = {}): Promise<IpcApp> {
  const { providers = [], imports = [], ...options } = setup;
  const app = await startApp({
    imports: [IpcModule.forRoot({ shutdownTimeoutMs: 500, ...options }), ...imports],
    providers: [TestIpcHandler, ...providers],
  });
  const host = app.app.get(IpcHost);
  const open = (more: RawFrontendOptions = {}) => RawFrontend.open(app.port, more);
  return {
    ...app,
    host,
    open,
    pair: async (more) => {
      const before = new Set(host.sessions);
      const frontend = await open(more);
      await until(() => host.sessions.some((session) => !before.has(session)));
      return [frontend, host.sessions.find((session) => !before.has(session))!];
    },
  };
}

/** The lines about sessions that this side has ended. */
export const endings = (log: LogRecorder) => log.find('warn', 'was ended');
