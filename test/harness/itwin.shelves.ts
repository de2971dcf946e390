import { describe } from '@jest/globals';
import { Injectable, UseGuards } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import {
  CallContext,
  ClientRequestContext,
  IModelError,
  NoContentError,
  RpcInterface,
  RpcNotFoundResponse,
  RpcPendingResponse,
} from '@linnet/backend';
import { installPackages } from '../reference/install.js';

// An RPC interface that pages of iTwin.js call, with the packages of iTwin.js as they are published.

@Injectable()
class NotLocked implements CanActivate {
  canActivate(context: Parameters<CanActivate['canActivate']>[0]) {
    return CallContext.from(context)!.arguments[0] !== 'locked';
  }
}

abstract class Shelves extends RpcInterface {
  static readonly interfaceName = 'Shelves';
  static interfaceVersion = '1.2.0';
  async echo(..._values: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  async size(_bytes: Uint8Array): Promise<number> {
    return this.forward(arguments);
  }
  async context(): Promise<unknown> {
    return this.forward(arguments);
  }
  async fail(_kind: string): Promise<unknown> {
    return this.forward(arguments);
  }
  async pending(): Promise<unknown> {
    return this.forward(arguments);
  }
  async held(): Promise<unknown> {
    return this.forward(arguments);
  }
}

/** The operations of the implementation, by name. */
export const operations = ['echo', 'size', 'context', 'fail', 'pending', 'held'];
/** The interface as pages declare it, with an operation that the backend does not have. */
export const interfaces = { Shelves: { version: '1.1.0', operations: [...operations, 'gone'] } };

/** The calls of `pending` so far, and the functions that answer calls of `held`, in the order of the calls. */
export const calls = { pending: 0, held: [] as ((value: unknown) => void)[] };

/** For `beforeEach`. */
export function resetShelves(): void {
  calls.pending = 0;
  calls.held.length = 0;
}

@RpcInterface(Shelves)
@UseGuards(NotLocked)
export class ShelvesImpl implements Partial<Shelves> {
  async echo(...values: unknown[]) {
    return values;
  }
  async size(bytes: Uint8Array) {
    return bytes.byteLength;
  }
  async context() {
    await Promise.resolve();
    const { sessionId, applicationId, accessToken, rpcMethod } = ClientRequestContext.current;
    return { sessionId, applicationId, accessToken, rpcMethod };
  }
  async fail(kind: string) {
    if (kind === 'unsendable') return { n: 1n };
    if (kind === 'none') throw new NoContentError();
    if (kind === 'not found') throw Object.assign(new RpcNotFoundResponse(), { shelf: 3 });
    if (kind === 'number')
      throw Object.assign(new IModelError(65537, 'It is loaded.'), { shelf: { row: 3 } });
    if (kind === 'inside') throw Object.assign(new Error('secret'), { code: 'X', path: '/etc' });
    throw new Error('It fell.');
  }
  async pending() {
    if (++calls.pending < 3) throw new RpcPendingResponse(`asked ${calls.pending} times`);
    return calls.pending;
  }
  async held() {
    return new Promise((resolve) => calls.held.push(resolve));
  }
}

/** The exports of a script that runs in a page of iTwin.js. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- scripts without types
export type ITwinPage = Record<string, (...args: any[]) => any>;

/** The outcome of a call, as data. */
export interface ITwinOutcome {
  value?: unknown;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each test knows the members of its error
  error?: any;
}

/** Calls an operation from a page. */
export function callShelves(page: ITwinPage, operation: string, ...args: unknown[]): Promise<ITwinOutcome> {
  return page['outcome']!(page['rpc']!('Shelves', operation, ...args)) as Promise<ITwinOutcome>;
}

/** @returns `describe`; if the packages of a folder cannot be installed, prints the reason and returns `describe.skip` */
export function describeWith(packages: string, folder: string): typeof describe | typeof describe.skip {
  const missing = installPackages(folder);
  if (!missing) return describe;
  // eslint-disable-next-line no-console -- the reader of the report has to see which tests did not run
  console.warn(`Pages of ${packages} are not tested: ${missing}.`);
  return describe.skip;
}
