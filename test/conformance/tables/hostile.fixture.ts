import { Module } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import {
  Activity,
  ClientRequestContext,
  CurrentActivity,
  IModelError,
  RpcInterface,
  RpcModule,
} from '@linnet/backend';

export abstract class Victim extends RpcInterface {
  static readonly interfaceName = 'Victim';
  static readonly interfaceVersion = '1.0.0';
  echo(..._values: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  fail(_kind: string): Promise<void> {
    return this.forward(arguments);
  }
  large(_size: number): Promise<unknown> {
    return this.forward(arguments);
  }
  untilGone(): Promise<string> {
    return this.forward(arguments);
  }
}

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

/** Values that an implementation may throw, by name. */
export const failures: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  text: () => 'text',
  number: () => 0,
  symbol: () => Symbol('s'),
  function: () => () => 1,
  bigint: () => 1n,
  'a list': () => [1],
  'an object with a cycle': () => cycle,
  'an error with a cycle': () => Object.assign(new Error('m'), { cycle }),
  'an error with a BigInt': () => Object.assign(new IModelError(65542, 'm'), { big: 1n }),
  'an error that throws': () =>
    Object.defineProperty(new Error('m'), 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('trap');
      },
    }),
  'a promise that was rejected': () => {
    const rejected = Promise.reject(new Error('inner'));
    rejected.catch(() => undefined);
    return rejected;
  },
  'a proxy': () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
      },
    ),
};

/** How many callers of `untilGone` have left. */
export const gone = { count: 0 };

@RpcInterface(Victim)
class VictimImpl implements Victim, OnModuleInit {
  initialized = 0;
  onModuleInit() {
    this.initialized++;
  }
  onModuleDestroy() {}
  helper() {
    return 'secret';
  }
  async echo(...values: unknown[]) {
    return values;
  }
  async fail(kind: string): Promise<void> {
    throw failures[kind]!();
  }
  async large(size: number) {
    return { bytes: new Uint8Array(size) };
  }
  async untilGone(@CurrentActivity() activity: Activity = ClientRequestContext.current) {
    const { signal } = activity;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone.count++;
    return 'nobody reads this';
  }
}

export const limits = { bodyBytes: 100_000, multipartBytes: 300_000 };

@Module({ imports: [RpcModule.forRoot({ limits })], providers: [VictimImpl] })
export class HostileModule {}
