import { ConflictException, Injectable, Module, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import {
  IModelError,
  IpcModule,
  RpcInterface,
  RpcModule,
  RpcPendingResponse,
  TransientError,
} from '@linnet/backend';
import type { IpcModuleOptions, RpcModuleOptions } from '@linnet/backend';
import { createRpcClient } from '@linnet/common';
import type { IpcBackplane, RpcOperations } from '@linnet/common';
import { startServer } from '../../conformance/tables/server.js';
import { gate } from '../../harness/waiting.js';

/** Operations that run once. */
export abstract class Bank extends RpcInterface {
  static readonly interfaceName = 'Bank';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Bank> = {
    pay: { idempotency: 'once' },
    hold: { idempotency: 'once' },
    queue: { idempotency: 'once', concurrency: 2 },
    fail: { idempotency: 'once' },
    wait: { idempotency: 'once' },
  };
  abstract pay(amount: number, note?: unknown): Promise<unknown>;
  abstract hold(): Promise<number>;
  /** Holds the call 1. Two calls run at once. */
  abstract queue(call: number): Promise<number>;
  abstract fail(how: string): Promise<void>;
  abstract wait(): Promise<string>;
}

/** How often methods have run, and the gates of {@link Bank.hold}. */
export const bank = { runs: 0, held: gate(), begun: gate() };
/** Functions that end the things a test has started. */
export const ends: (() => unknown)[] = [];

/** Ends them, the last first. */
export async function closeBanks(): Promise<void> {
  bank.held.open();
  for (const end of ends.splice(0).toReversed()) await end();
  Object.assign(bank, { runs: 0, held: gate(), begun: gate() });
}

/** Answers them, without Nest. */
export class BankBase {
  async pay(amount: number, note?: unknown) {
    return { run: ++bank.runs, amount, note };
  }
  async hold() {
    const run = ++bank.runs;
    bank.begun.open();
    await bank.held.opened;
    return run;
  }
  async queue(call: number) {
    return call === 2 ? ++bank.runs : this.hold();
  }
  async fail(how: string) {
    bank.runs++;
    if (how === 'number') throw Object.assign(new IModelError(4711, 'no money'), { left: bank.runs });
    if (how === 'nest') throw new ConflictException('paid already');
    if (how === 'hidden') throw new TypeError('the password is 1234');
    if (how === 'busy' && bank.runs === 1) throw new TransientError('later');
  }
  async wait() {
    if (++bank.runs < 3) throw new RpcPendingResponse('soon');
    return 'done';
  }
}

/** The user is the access token up to its first dash: a renewed token is of the same user. */
@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    const [name] = (request.headers['authorization'] ?? '').split('-');
    if (name === 'nobody') return false;
    request.user = { name };
    return true;
  }
}

@RpcInterface(Bank)
@UseGuards(UserGuard)
class BankImpl extends BankBase implements Bank {}

function clientOf(uriPrefix: string, authorization = 'ann-1') {
  return createRpcClient({
    uriPrefix,
    authorization,
    retry: { limit: 0 },
    pendingIntervalMs: 10,
  }).client<Bank>(Bank);
}

/** Starts a server of Nest. @returns calls with an activity id */
export async function start(
  options: RpcModuleOptions = {},
  shared?: IpcBackplane,
  ipc: IpcModuleOptions = {},
) {
  const sessions = shared ? [IpcModule.forRoot({ ...ipc, backplane: shared })] : [];
  const imports = [RpcModule.forRoot(options), ...sessions];
  @Module({ imports, providers: [BankImpl] })
  class BankModule {}
  const { url, stop } = await startServer(BankModule, 'stock Express');
  let isStopped = false;
  const end = async () => {
    if (!isStopped) await stop();
    isStopped = true;
  };
  ends.push(end);
  return {
    end,
    as: (activityId: string, authorization?: string) => clientOf(url, authorization).with({ activityId }),
  };
}

/** The error of a call; `undefined` if it has none. */
export function failure(call: Promise<unknown>) {
  return call.then(
    () => undefined,
    (error: unknown) => error as Error & { status?: number },
  );
}
