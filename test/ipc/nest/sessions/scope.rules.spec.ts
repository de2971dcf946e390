import { Inject, Injectable, Scope, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { APP_GUARD, REQUEST } from '@nestjs/core';
import { CurrentSession, IpcChannel, MessageRequest, IpcSession } from '@linnet/backend';
import { closeIpcApps, ipcRefusal, startIpcApp } from '../../../harness/ipc.harness.js';

let made = 0;
beforeEach(() => {
  made = 0;
});
afterEach(closeIpcApps);

/** Belongs to the session. */
@Injectable()
class Cart {
  readonly id = ++made;
  constructor(readonly session: IpcSession) {}
}

/** Belongs to the call, as it declares. */
@Injectable({ scope: Scope.REQUEST })
class Unit {
  readonly id = ++made;
}

/** Belongs to the call, as its request does. */
@Injectable()
class Audit {
  readonly id = ++made;
  constructor(@Inject(REQUEST) readonly request: MessageRequest) {}
}

describe('the scope of an IPC handler', () => {
  it('is the call if the handler depends on a request-scoped provider', async () => {
    @IpcChannel('units')
    class UnitsHandler {
      constructor(
        private readonly unit: Unit,
        private readonly audit: Audit,
      ) {}
      async ids(@CurrentSession() session: IpcSession) {
        return [this.unit.id, this.audit.id, this.audit.request.ipcSession === session];
      }
    }
    const { connect, log } = await startIpcApp({ providers: [UnitsHandler, Unit, Audit] });
    const { ask } = await connect();
    expect(made).toBe(0);
    expect(await ask('units.ids')).toEqual({ result: [1, 2, true] });
    expect(await ask('units.ids')).toEqual({ result: [3, 4, true] });
    expect(log.find('log', 'UnitsHandler answers IPC channel units (one for each call)')).toHaveLength(1);
  });

  it('is the call, and only the call fails, if the handler cannot be made', async () => {
    @IpcChannel('fails')
    class FailingHandler {
      constructor(_unit: Unit) {
        if (made < 2) throw new Error('no connection');
      }
      async say() {
        return 'said';
      }
    }
    const { connect } = await startIpcApp({ providers: [FailingHandler, Unit] });
    const { ask, fail } = await connect();
    expect((await fail('fails.say')).message).toBe('no connection');
    expect(await ask('fails.say')).toEqual({ result: 'said' });
  });

  it('is the session while its guard has the scope of the call, and sees providers of the session', async () => {
    const guards: unknown[] = [];
    @Injectable()
    class Guard implements CanActivate {
      constructor(
        private readonly audit: Audit,
        private readonly cart: Cart,
      ) {}
      canActivate(context: ExecutionContext) {
        guards.push(this);
        return this.audit.request === context.switchToHttp().getRequest() && this.cart.id > 0;
      }
    }
    @IpcChannel('carts')
    @UseGuards(Guard)
    class CartsHandler {
      readonly id = ++made;
      constructor(private readonly cart: Cart) {}
      async ids() {
        return [this.id, this.cart.id, (guards.at(-1) as { cart: Cart }).cart === this.cart];
      }
    }
    const { connect } = await startIpcApp({ providers: [CartsHandler, Cart, Audit] });
    const [first, second] = [await connect(), await connect()];
    const ids = (await first.ask('carts.ids')).result as unknown[];
    expect(ids[2]).toBe(true);
    expect(await first.ask('carts.ids')).toEqual({ result: ids });
    expect((await second.ask('carts.ids')).result[0]).not.toBe(ids[0]);
    expect(new Set(guards).size).toBe(3);
  });

  it('is the session if providers of declared request scope depend on the session alone', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Desk {
      constructor(readonly cart: Cart) {}
    }
    @IpcChannel('desks')
    class DesksHandler {
      constructor(
        private readonly cart: Cart,
        private readonly desk: Desk,
      ) {}
      async same() {
        return this.desk.cart === this.cart;
      }
    }
    const { connect } = await startIpcApp({ providers: [DesksHandler, Cart, Desk] });
    const { ask } = await connect();
    expect(made).toBe(1);
    expect(await ask('desks.same')).toEqual({ result: true });
    expect(made).toBe(1);
  });

  it('is the call while its guard has the scope of the session, if the guard depends on the session', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Counting implements CanActivate {
      #calls = 0;
      constructor(readonly session: IpcSession) {}
      canActivate() {
        return ++this.#calls <= 2;
      }
    }
    @IpcChannel('units')
    class UnitsHandler {
      constructor(readonly unit: Unit) {}
      async id() {
        return this.unit.id;
      }
    }
    const { connect } = await startIpcApp({
      providers: [UnitsHandler, Unit, { provide: APP_GUARD, useClass: Counting }],
    });
    const [first, second] = [await connect(), await connect()];
    expect(await first.ask('units.id')).toEqual({ result: 1 });
    expect(await first.ask('units.id')).toEqual({ result: 2 });
    expect((await first.fail('units.id')).message).toBe('Forbidden resource');
    expect(await second.ask('units.id')).toHaveProperty('result');
  });
});

describe('an application with a handler of both session and call scope does not start', () => {
  const remedy =
    'Get the session with @CurrentSession() in its methods, or keep what is request-scoped out of it.';

  it('if the handler injects IpcSession and REQUEST', async () => {
    @IpcChannel('both')
    class BothHandler {
      constructor(
        readonly session: IpcSession,
        @Inject(REQUEST) readonly request: unknown,
      ) {}
      async say() {}
    }
    expect(await ipcRefusal({ providers: [BothHandler] })).toBe(
      'BothHandler depends on IpcSession, which needs one instance for each session, and on the request-scoped REQUEST, ' +
        `which needs one for each call. ${remedy}`,
    );
  });

  it('if the handler depends on them through other providers, or by properties', async () => {
    @Injectable()
    class Desk {
      @Inject(Cart) readonly cart!: Cart;
    }
    @IpcChannel('both')
    class BothHandler {
      @Inject(Unit) readonly unit!: Unit;
      constructor(readonly desk: Desk) {}
      async say() {}
    }
    expect(await ipcRefusal({ providers: [BothHandler, Desk, Cart, Unit] })).toBe(
      'BothHandler depends on IpcSession (through Desk, Cart), which needs one instance for each session, and on the ' +
        `request-scoped Unit, which needs one for each call. ${remedy}`,
    );
  });
});
