import { Inject, Injectable, Scope } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { ContextIdFactory, REQUEST } from '@nestjs/core';
import type { ContextId, ContextIdStrategy, HostComponentInfo } from '@nestjs/core';
import { IpcChannel, IpcSession } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';

let made = 0;
let events: string[] = [];

class Noting implements OnModuleDestroy {
  readonly id = ++made;
  onModuleDestroy() {
    events.push(this.constructor.name);
  }
}

@Injectable()
class Cart extends Noting {
  constructor(readonly session: IpcSession) {
    super();
  }
}

beforeEach(() => {
  made = 0;
  events = [];
});
afterEach(closeIpcApps);

describe('a session with scoped handlers', () => {
  it('ends with 1011 if a handler cannot be made, and the application continues', async () => {
    let broken = true;
    @IpcChannel('broken')
    class BrokenHandler {
      constructor(session: IpcSession, _cart: Cart) {
        if (broken) throw new Error(`no database for ${typeof session.id}`);
      }
      async say() {
        return 'said';
      }
    }
    const { connect, log, host } = await startIpcApp({ providers: [BrokenHandler, Cart] });
    const { raw, ask } = await connect();
    expect(await raw.closed).toEqual({ code: 1011, reason: 'Internal error' });
    expect(log.find('error', 'no database for string')).toHaveLength(1);
    await expect(ask('broken.say')).rejects.toThrow('1011');
    expect(host.sessions).toEqual([]);
    // Instances made until then do not stay behind.
    await until(() => events.length === 1);
    broken = false;
    expect(await (await connect()).ask('broken.say')).toEqual({ result: 'said' });
  });

  it('shares durable providers by the strategy of the application', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class PerTenant extends Noting {
      constructor(@Inject(REQUEST) readonly payload: { tenant: string }) {
        super();
      }
    }
    @IpcChannel('durable', { scope: Scope.REQUEST, durable: true })
    class DurableHandler extends Noting {
      constructor(private readonly perTenant: PerTenant) {
        super();
      }
      async ids() {
        const { id, payload } = this.perTenant;
        return [this.id, id, payload.tenant, payload instanceof IpcSession];
      }
    }
    @IpcChannel('own')
    class OwnHandler extends Noting {
      constructor(
        private readonly perTenant: PerTenant,
        private readonly session: IpcSession,
      ) {
        super();
      }
      async ids() {
        return [this.perTenant.id, this.session.user];
      }
    }
    const contexts = new Map<string, ContextId>();
    const strategy: ContextIdStrategy = {
      attach(contextId: ContextId, { user }: { user: string }) {
        const known = contexts.get(user) ?? ContextIdFactory.create();
        contexts.set(user, known);
        return {
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? known : contextId),
          payload: { tenant: user },
        };
      },
    };
    ContextIdFactory.apply(strategy);
    try {
      const { connect } = await startIpcApp({
        providers: [DurableHandler, OwnHandler, PerTenant],
        ipc: { authorize: ({ headers }) => ({ user: headers['x-tenant'] }) },
      });
      const ids: Record<string, unknown[]> = {};
      for (const tenant of ['a', 'b', 'a']) {
        const { raw, ask } = await connect({ headers: { 'X-Tenant': tenant } });
        const durable = (await ask('durable.ids')).result as unknown[];
        const [perTenant, user] = (await ask('own.ids')).result as unknown[];
        expect([perTenant, user]).toEqual([durable[1], tenant]);
        expect(durable.slice(2)).toEqual([tenant, false]);
        expect(durable).toEqual((ids[tenant] ??= durable));
        await raw.close();
      }
      await until(() => events.length === 3);
      expect(events).toEqual(['OwnHandler', 'OwnHandler', 'OwnHandler']);
    } finally {
      ContextIdFactory.apply(undefined as unknown as ContextIdStrategy);
    }
  });
});
