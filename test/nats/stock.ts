import { ClientRequestContext, IModelError, RpcInterface } from '@linnet/backend';
import type { RpcOperations } from '@linnet/common';
import { gate } from '../harness/waiting.js';

export abstract class Stock extends RpcInterface {
  static readonly interfaceName = 'Stock';
  static interfaceVersion = '1.2.0';
  static readonly operations: RpcOperations<Stock> = {
    take: {},
    who: {},
    hold: {},
    fail: {},
    echo: {},
    count: { stream: true },
  };
  abstract take(article: string, count: number): Promise<string>;
  abstract who(): Promise<Record<string, unknown>>;
  abstract hold(): Promise<string>;
  abstract fail(): Promise<void>;
  abstract echo(content: unknown): Promise<unknown>;
  abstract count(to: number): AsyncIterable<number>;
}

/** Events in the methods, in order. */
export const journal: string[] = [];

/** Opens when {@link StockImpl.hold} runs, and lets it return. */
export const held = { begun: gate(), release: gate() };

/** Makes new gates. */
export function holdAgain(): void {
  held.begun = gate();
  held.release = gate();
  journal.length = 0;
}

@RpcInterface(Stock)
export class StockImpl {
  async take(article: string, count: number) {
    return `${count} ${article}`;
  }

  async who() {
    const { activityId, sessionId, applicationId, applicationVersion, accessToken, rpcMethod, user } =
      ClientRequestContext.current;
    return { activityId, sessionId, applicationId, applicationVersion, accessToken, rpcMethod, user };
  }

  async hold() {
    held.begun.open();
    const { signal } = ClientRequestContext.current;
    await Promise.race([
      held.release.opened,
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    ]);
    journal.push(signal.aborted ? `aborted: ${(signal.reason as Error).message}` : 'held');
    return 'held';
  }

  async fail() {
    throw Object.assign(new IModelError(65574, 'not in stock'), { left: 3 });
  }

  async echo(content: unknown) {
    return content;
  }

  async *count(to: number) {
    try {
      for (let i = 0; i < to; i++) yield i;
    } finally {
      journal.push('stopped');
    }
  }
}
