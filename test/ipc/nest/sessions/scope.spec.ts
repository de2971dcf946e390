import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { CurrentSession, IpcChannel, IpcSession } from '@linnet/backend';
import { framesOf, MessageType } from '../../wire/raw.frontend.codec.js';
import { BareFrontend, frameBytes, Opcode } from '../../wire/raw.frontend.socket.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { gate, settled, until } from '../../../harness/waiting.js';

let made = 0;
let events: string[] = [];
let release: () => void = () => undefined;

/** A provider of a session's own, which notes when it is destroyed. */
class Noting implements OnModuleDestroy {
  readonly id = ++made;
  onModuleDestroy() {
    events.push(this.constructor.name);
  }
}

@Injectable()
class Cart extends Noting {
  readonly items: string[] = [];
  constructor(readonly session: IpcSession) {
    super();
  }
}

@Injectable({ scope: Scope.REQUEST })
class Trace extends Noting {
  constructor(readonly cart: Cart) {
    super();
  }
}

@Injectable()
class Shared extends Noting {}

@IpcChannel('cart')
class CartHandler extends Noting {
  constructor(
    private readonly trace: Trace,
    private readonly cart: Cart,
    readonly shared: Shared,
  ) {
    super();
  }
  async add(item: string) {
    this.cart.items.push(item);
    return this.cart.items;
  }
  async ids() {
    const { trace, cart, shared } = this;
    return { handler: this.id, trace: trace.id, cart: cart.id, shared: shared.id, same: trace.cart === cart };
  }
  async session(@CurrentSession() session: IpcSession) {
    return [this.cart.session.id, session === this.cart.session];
  }
  async slow() {
    events.push('slow began');
    await new Promise<void>((resolve) => (release = resolve));
    events.push('slow ended');
    return this.cart.items;
  }
}

const cart = [CartHandler, Cart, Trace, Shared];

beforeEach(() => {
  made = 0;
  events = [];
});
afterEach(closeIpcApps);

describe('a handler that depends on IpcSession', () => {
  it('is made once for each session, with all that depends on the session', async () => {
    const { connect } = await startIpcApp({ providers: cart });
    const [first, second] = [await connect(), await connect()];
    const ids = [];
    for (const { ask } of [first, second, first]) ids.push((await ask('cart.ids')).result);
    expect(ids[0]).toMatchObject({ shared: 1, same: true });
    expect(ids[2]).toEqual(ids[0]);
    for (const name of ['handler', 'trace', 'cart']) expect(ids[1][name]).not.toBe(ids[0][name]);
    expect(ids[1].shared).toBe(1);
    expect(made).toBe(7);
  });

  it('shares no state with the handler of another session', async () => {
    const { connect } = await startIpcApp({ providers: cart });
    const [first, second] = [await connect(), await connect()];
    await first.ask('cart.add', 'a');
    await second.ask('cart.add', 'b');
    expect(await first.ask('cart.add', 'c')).toEqual({ result: ['a', 'c'] });
    expect(await second.ask('cart.add', 'd')).toEqual({ result: ['b', 'd'] });
  });

  it('gets its own session', async () => {
    const { connect, host } = await startIpcApp({ providers: cart });
    const { ask } = await connect();
    await connect();
    expect(await ask('cart.session')).toEqual({ result: [host.sessions[0]!.id, true] });
  });

  it('can be a controller, and share session-scoped providers with another handler', async () => {
    @IpcChannel('second')
    class SecondHandler {
      constructor(private readonly cart: Cart) {}
      async items() {
        return this.cart.items;
      }
    }
    @Module({ providers: [Cart], exports: [Cart] })
    class CartModule {}
    const { connect } = await startIpcApp({
      imports: [CartModule],
      controllers: [CartHandler],
      providers: [Trace, Shared, SecondHandler],
    });
    const { ask } = await connect();
    await ask('cart.add', 'a');
    expect(await ask('second.items')).toEqual({ result: ['a'] });
  });

  it('is made when the session opens', async () => {
    const { connect, session } = await startIpcApp({ providers: cart });
    await connect();
    await session();
    await until(() => made === 4);
    expect(events).toEqual([]);
  });

  it('answers messages that came before it was made', async () => {
    @IpcChannel('slowly')
    class SlowlyHandler {
      constructor(@Inject('SLOW') private readonly slow: string) {}
      async say(n: number) {
        return `${this.slow} ${n}`;
      }
    }
    const making = gate();
    const slow = {
      provide: 'SLOW',
      scope: Scope.REQUEST,
      inject: [IpcSession],
      useFactory: async ({ isOpen }: IpcSession) => {
        await making.opened;
        return `ready ${isOpen}`;
      },
    };
    const { port } = await startIpcApp({ providers: [SlowlyHandler, slow] });
    const channel = 'itwin.slowly';
    const frames = [0, 1, 2].map((sequence) => {
      const message = { type: MessageType.Invoke, channel, method: 'say', data: [sequence] };
      const [payload] = framesOf({ ...message, request: sequence + 1, sequence });
      return frameBytes({ opcode: Opcode.Text, payload });
    });
    // In the packet of the handshake, and behind it.
    const bare = await BareFrontend.open(port, { behind: Buffer.concat(frames.slice(0, 2)) });
    bare.write(frames[2]!);
    await settled();
    making.open();
    for (const n of [0, 1, 2]) expect(await bare.nextText()).toContain(`"result\\":\\"ready true ${n}\\"`);
    bare.destroy();
  });
});

describe('the destruction of session-scoped providers', () => {
  it('covers each provider of the session once, dependants first, and no shared provider', async () => {
    const { connect, close } = await startIpcApp({ providers: cart });
    const first = await connect();
    await connect();
    await first.ask('cart.ids');
    await first.raw.close();
    await until(() => events.length === 3);
    expect(events).toEqual(['CartHandler', 'Trace', 'Cart']);
    events = [];
    await close();
    expect(events).toEqual(['CartHandler', 'Trace', 'Cart', 'Shared']);
  });

  it('waits for methods that still run', async () => {
    const { connect, session } = await startIpcApp({ providers: cart });
    const { raw, ask } = await connect();
    const { closed } = await session();
    ask('cart.slow').catch(() => undefined);
    await until(() => events.length === 1);
    raw.terminate();
    await closed;
    await settled();
    expect(events).toEqual(['slow began']);
    release();
    await until(() => events.length === 5);
    expect(events).toEqual(['slow began', 'slow ended', 'CartHandler', 'Trace', 'Cart']);
  });

  it('waits no longer than shutdownTimeoutMs', async () => {
    const { connect } = await startIpcApp({ providers: cart, ipc: { shutdownTimeoutMs: 20 } });
    const { raw, ask } = await connect();
    ask('cart.slow').catch(() => undefined);
    await until(() => events.length === 1);
    raw.terminate();
    await until(() => events.length === 4);
    release();
    await until(() => events.length === 5);
    expect(events).toEqual(['slow began', 'CartHandler', 'Trace', 'Cart', 'slow ended']);
  });

  it('continues after a hook that fails', async () => {
    class FailingCart extends Cart {
      override onModuleDestroy() {
        super.onModuleDestroy();
        throw new Error('cannot be destroyed');
      }
    }
    const { connect, log } = await startIpcApp({
      providers: [CartHandler, Trace, Shared, { provide: Cart, useClass: FailingCart }],
    });
    await (await connect()).raw.close();
    await until(() => events.length === 3);
    await until(() => log.find('error', 'cannot be destroyed').length === 1);
  });

  it('waits for a handler that is still being made, and destroys it', async () => {
    let finish = () => undefined as void;
    const making = new Promise<void>((resolve) => (finish = resolve));
    let begun = false;
    const slow = {
      provide: 'SLOW',
      inject: [IpcSession],
      useFactory: async () => {
        begun = true;
        await making;
      },
    };
    @IpcChannel('late')
    class LateHandler extends Noting {
      constructor(@Inject('SLOW') _slow: unknown) {
        super();
      }
      async say() {}
    }
    const { port, host } = await startIpcApp({ providers: [LateHandler, slow] });
    const bare = await BareFrontend.open(port);
    await until(() => begun);
    host.sessions[0]!.close(1000);
    expect(await bare.closed).toEqual({ code: 1000, reason: '' });
    expect(events).toEqual([]);
    finish();
    await until(() => events.length === 1);
    expect(events).toEqual(['LateHandler']);
  });
});
