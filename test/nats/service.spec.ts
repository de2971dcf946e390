import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplicationContext, PipeTransform } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { CallContext, InjectRpcClient, RpcClientModule, RpcInterface, RpcModule } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';
import type { RpcListener, RpcProxy } from '@linnet/common';
import { natsServer, natsTransport } from '@linnet/nats';
import type { NatsTransport } from '@linnet/nats';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { until } from '../harness/waiting.js';
import { held, holdAgain, journal, Stock, StockImpl } from './stock.js';

let nats: NatsServer;
const closing: (() => Promise<unknown>)[] = [];
const where = () => ({ servers: nats.servers, service: 'stock' });

/** Starts a server of {@link Stock} without Nest. */
async function serve(listener: RpcListener = natsServer(where())) {
  const server = createRpcServer({ interfaces: [[Stock, StockImpl]], report: () => undefined });
  await server.listen(listener);
  closing.push(() => server.close(0));
  return server;
}

function transportTo(service = 'stock'): NatsTransport {
  const transport = natsTransport({ servers: nats.servers, service });
  closing.push(() => transport.close());
  return transport;
}

function connect(options = {}): RpcProxy<Stock> {
  return createRpcClient({ transport: transportTo(), ...options }).client(Stock);
}

(hasNats ? describe : describe.skip)('RPC over NATS', () => {
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());
  beforeEach(holdAgain);
  afterEach(async () => {
    held.release.open();
    for (const close of closing.splice(0).toReversed()) await close();
  });

  it('carries the names of the caller, and its credentials', async () => {
    await serve();
    const stock = connect({
      applicationId: 'shop',
      applicationVersion: '3',
      sessionId: 's1',
      authorization: 'Bearer shop',
    });
    expect(await stock.with({ activityId: 'a1' }).who()).toEqual({
      activityId: 'a1',
      sessionId: 's1',
      applicationId: 'shop',
      applicationVersion: '3',
      accessToken: 'Bearer shop',
      rpcMethod: 'who',
    });
  });

  it('rejects at once if nobody serves the interfaces', async () => {
    // The default policy of repetitions would take seconds for a server that cannot be reached.
    await expect(connect().take('nuts', 1)).rejects.toMatchObject({
      name: 'ServerError',
      status: -1,
      message: 'Nobody serves "stock" over NATS.',
    });
  });

  it('rejects a client whose version does not fit', async () => {
    await serve();
    abstract class Newer extends RpcInterface {
      static readonly interfaceName = 'Stock';
      static interfaceVersion = '2.0.0';
      static readonly operations = { take: {} };
      abstract take(article: string, count: number): Promise<string>;
    }
    const newer = createRpcClient({ transport: transportTo() }).client(Newer);
    await expect(newer.take('nuts', 1)).rejects.toMatchObject({ errorNumber: 135168 });
  });

  it('lists the interfaces that are served', async () => {
    await serve();
    const client = createRpcClient({ transport: transportTo(), interfaces: [Stock] });
    await client.ready();
    expect(await client.describeEndpoints()).toMatchObject([{ interfaceName: 'Stock', compatible: true }]);
  });

  it('carries values that are larger than a message of NATS', async () => {
    await serve();
    const bytes = new Uint8Array(4 * 1024 * 1024).map((_, i) => i % 251);
    const back = (await connect().echo({ bytes })) as { bytes: Uint8Array };
    expect(Buffer.compare(back.bytes, bytes)).toBe(0);
  });

  it('aborts the activity of a call whose caller leaves, and of one whose time is over', async () => {
    await serve();
    const leaving = new AbortController();
    const left = connect().with({ signal: leaving.signal }).hold();
    await held.begun.opened;
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    await until(() => journal.includes('aborted: The client is gone.'));
    holdAgain();
    await expect(connect({ timeoutMs: 50 }).hold()).rejects.toMatchObject({ name: 'DeadlineError' });
    await until(() => journal.includes('aborted: The client is gone.'));
  });

  it('stops the producer of a stream whose reader leaves', async () => {
    await serve();
    for await (const i of connect().count(1e9)) if (i === 1000) break;
    await until(() => journal.includes('stopped'));
  });

  it('shares the calls among the servers of a service', async () => {
    const calls = [0, 0];
    for (const each of calls.keys()) {
      const around = (_call: unknown, next: () => unknown) => {
        calls[each]!++;
        return next();
      };
      const server = createRpcServer({ interfaces: [[Stock, StockImpl]], around });
      await server.listen(natsServer(where()));
      closing.push(() => server.close(0));
    }
    const stock = connect();
    await Promise.all(Array.from({ length: 200 }, (_, i) => stock.take('nuts', i)));
    expect(calls[0]! + calls[1]!).toBe(200);
    expect(Math.min(...calls)).toBeGreaterThan(0);
  });

  it('finishes the calls in flight when a server closes, and sends new calls to others', async () => {
    const first = await serve();
    const stock = connect();
    const inFlight = stock.hold();
    await held.begun.opened;
    await serve();
    const closed = first.close(30_000);
    for (let i = 0; i < 50; i++) expect(await stock.take('nuts', i)).toBe(`${i} nuts`);
    held.release.open();
    expect(await inFlight).toBe('held');
    expect(await closed).toBe(0);
  });

  it('answers a call that outlives the wait with 503', async () => {
    const server = await serve();
    const inFlight = connect({ retry: { limit: 0 } }).hold();
    await held.begun.opened;
    const [left] = await Promise.all([
      server.close(0),
      expect(inFlight).rejects.toMatchObject({ status: 503 }),
    ]);
    expect(left).toBe(1);
    await until(() => journal.includes('aborted: The server is shutting down.'));
  });

  it('rejects calls in flight when the connection is lost, and works again with NATS', async () => {
    await serve();
    const stock = connect({ retry: { limit: 0 } });
    const inFlight = stock.hold();
    await held.begun.opened;
    await Promise.all([nats.kill(), expect(inFlight).rejects.toThrow('the connection to NATS was lost')]);
    await expect(stock.take('nuts', 1)).rejects.toThrow('the connection to NATS is lost');
    await nats.restart();
    await until(() =>
      stock.take('nuts', 2).then(
        (taken) => taken === '2 nuts',
        () => false,
      ),
    );
    held.release.open();
    await until(() => journal.length > 0);
  });

  it('fails to start if NATS cannot be reached, without credentials in the error', async () => {
    const listener = natsServer({ servers: 'nats://user:secret@127.0.0.1:9', service: 'stock' });
    const error = await serve(listener).catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).toMatch(/^NATS cannot be reached at nats:\/\/127\.0\.0\.1:9: /);
  });

  it.each(['', 'a.b', '*', '>', 'a b'])('refuses the name %p of a service', (service) => {
    expect(() => natsServer({ service })).toThrow('The name of a NATS service');
    expect(() => natsTransport({ service })).toThrow('The name of a NATS service');
  });

  it('keeps a connection of the application open', async () => {
    const { connect: open } = await import('@nats-io/transport-node');
    const connection = await open({ servers: nats.servers });
    const server = await serve(natsServer({ connection, service: 'stock' }));
    const transport = natsTransport({ connection, service: 'stock' });
    expect(await createRpcClient({ transport }).client(Stock).take('nuts', 3)).toBe('3 nuts');
    await transport.close();
    await server.close();
    expect(connection.isClosed()).toBe(false);
    await connection.close();
  });

  describe('in Nest', () => {
    const seen: unknown[] = [];

    class Guard implements CanActivate {
      canActivate(context: ExecutionContext) {
        const request = context.switchToHttp().getRequest<{ headers: object; user: unknown }>();
        const call = CallContext.from(context)!;
        seen.push([context.getType(), call.transport?.kind, call.session, context.switchToRpc().getData()]);
        request.user = (request.headers as { authorization?: string }).authorization;
        return call.authorization !== 'Bearer thief';
      }
    }

    class Doubling implements PipeTransform {
      transform(value: unknown) {
        return typeof value === 'number' ? value * 2 : value;
      }
    }

    class Exclaiming {
      intercept(_context: unknown, next: { handle(): Observable<unknown> }) {
        return next.handle().pipe(map((value) => (typeof value === 'string' ? `${value}!` : value)));
      }
    }

    @Injectable({ scope: Scope.REQUEST })
    class PerCall {
      readonly id = {};
    }

    @RpcInterface(Stock)
    @UseGuards(Guard)
    @UsePipes(Doubling)
    @UseInterceptors(Exclaiming)
    class NestStock extends StockImpl {
      constructor(readonly perCall: PerCall) {
        super();
      }
    }

    @Injectable()
    class Shop {
      constructor(@InjectRpcClient(Stock) readonly stock: RpcProxy<Stock>) {}
    }

    async function start(): Promise<INestApplicationContext> {
      @Module({
        imports: [RpcModule.forRoot({ nats: natsServer(where()) })],
        providers: [NestStock, PerCall],
      })
      class Backend {}
      const app = await NestFactory.createApplicationContext(Backend, { logger: false, abortOnError: false });
      closing.push(() => app.close());
      return app;
    }

    it('runs guards, pipes and interceptors around each call', async () => {
      seen.length = 0;
      await start();
      const stock = connect({ authorization: 'Bearer shop' });
      expect(await stock.take('nuts', 2)).toBe('4 nuts!');
      expect(seen).toEqual([['rpc', 'message', undefined, ['nuts', 2]]]);
      expect(await stock.who()).toMatchObject({ user: 'Bearer shop', accessToken: 'Bearer shop' });
      await expect(connect({ authorization: 'Bearer thief' }).take('nuts', 2)).rejects.toMatchObject({
        status: 403,
      });
      await expect(stock.fail()).rejects.toMatchObject({ errorNumber: 65574, left: 3 });
    });

    it('serves a client of RpcClientModule, whose connection ends with its application', async () => {
      await start();
      const transport = natsTransport(where());
      @Module({ imports: [RpcClientModule.forFeature([{ interface: Stock, transport }])], providers: [Shop] })
      class ShopModule {}
      const app = await NestFactory.createApplicationContext(ShopModule, { logger: false });
      expect(await app.get(Shop).stock.take('nuts', 1)).toBe('2 nuts!');
      const { stock } = app.get(Shop);
      await app.close();
      await expect(stock.take('nuts', 1)).rejects.toThrow('The transport is closed.');
    });

    it('finishes the calls in flight when the application closes', async () => {
      const app = await start();
      const inFlight = connect().hold();
      await held.begun.opened;
      const closed = app.close();
      held.release.open();
      expect(await inFlight).toBe('held!');
      await closed;
    });
  });
});
