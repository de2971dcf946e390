import { createServer, request as send } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createPlainServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { HttpException, Injectable, Module, UseGuards } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import { RpcClientModule, RpcInterface, RpcModule, RpcOperation, TransientError } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';
import type { RpcClientEvent, RpcClientOptions, RpcOperations } from '@linnet/common';
import { RpcInterface as ITwinRpcInterface, RpcOperation as ITwinRpcOperation } from '@itwin/core-common';
import { failureOf, Robots, ScriptedServer } from './scripted.send.js';
import type { ScriptedReply } from './scripted.send.js';
import { startServer } from '../../conformance/tables/server.js';

/** Each operation runs once for each time that it is begun, and says so. */
abstract class Depot extends RpcInterface {
  static readonly interfaceName = 'Depot';
  static interfaceVersion = '1.0.0';
  static readonly operations: Partial<RpcOperations<Depot>> = { read: { idempotency: 'safe' } };
  async take(_call: string): Promise<number> {
    return this.forward(arguments);
  }
  async read(_call: string): Promise<number> {
    return this.forward(arguments);
  }
  @RpcOperation({ idempotency: 'idempotent' })
  async put(_call: string): Promise<number> {
    return this.forward(arguments);
  }
  async refuse(_call: string): Promise<number> {
    return this.forward(arguments);
  }
}

const runs = new Map<string, number>();
const refusals = new Map<string, number>();
const count = (counts: Map<string, number>, key: string) => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts.get(key)!;
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  runs.clear();
  refusals.clear();
  jest.restoreAllMocks();
  for (const end of ends.splice(0).toReversed()) await end();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const depot = { take: (id: string) => count(runs, id), read: (id: string) => count(runs, id) };
const startDepot = () => {
  const refuse = async () => {
    throw new TransientError('busy', 503, 0.01);
  };
  const methods = { take: async (id: string) => depot.take(id), read: async (id: string) => depot.read(id) };
  const server = createRpcServer({ interfaces: [[Depot, { ...methods, put: methods.take, refuse }]] });
  return listen(server.handler);
};

/** Serves `take` alone. */
const serverOf = (take: Depot['take']) =>
  createRpcServer({ interfaces: [[Depot, { take }, { partial: true }]] });

const quick: RpcClientOptions = { retry: { limit: 3, pauseMs: 1 } };

describe('an RPC client behind a gateway that fails after the backend has run the call', () => {
  /** Passes a call on, waits until it was run, and answers for itself; a status of 0 breaks the connection. */
  const startGateway = async (status: number, body: string) => {
    const backend = new URL(await startDepot());
    return listen((request, response) => {
      const { method, url, headers } = request;
      const passed = send({ ...urlParts(backend), path: url, method, headers }, (answer) => {
        answer.resume().on('end', () => {
          if (status === 0) response.destroy();
          else response.writeHead(status).end(body);
        });
      });
      request.pipe(passed);
    });
  };
  const urlParts = ({ hostname: host, port }: URL) => ({ host, port });

  it.each([502, 503, 504, 408, 429, 0])(
    'does not repeat an operation without idempotency (status %i, 0 for a broken connection)',
    async (status) => {
      for (const body of ['', '<html>Bad Gateway</html>', '{"message":"x"}']) {
        const uriPrefix = await startGateway(status, body);
        const client = createRpcClient({ uriPrefix, ...quick }).client(Depot);
        const error = await failureOf(client.take(`take ${body}`));
        expect(error).toMatchObject({ status: status || -1 });
        expect(runs.get(`take ${body}`)).toBe(1);
      }
    },
  );

  it.each([502, 503, 504, 408, 429, 0])(
    'repeats an operation with idempotency (status %i, 0 for a broken connection)',
    async (status) => {
      const uriPrefix = await startGateway(status, '');
      const client = createRpcClient({ uriPrefix, ...quick }).client(Depot);
      for (const operation of ['read', 'put'] as const) {
        expect(await failureOf(client[operation](operation))).toMatchObject({ status: status || -1 });
        expect(runs.get(operation)).toBe(4);
      }
    },
  );

  it('repeats every operation with retry.always, except after a broken connection, as iTwin.js does', async () => {
    const always = { retry: { ...quick.retry, always: true } };
    const gateway = createRpcClient({ uriPrefix: await startGateway(502, ''), ...always }).client(Depot);
    await failureOf(gateway.take('answered'));
    expect(runs.get('answered')).toBe(4);
    const broken = createRpcClient({ uriPrefix: await startGateway(0, ''), ...always }).client(Depot);
    await failureOf(broken.take('broken'));
    expect(runs.get('broken')).toBe(1);
  });
});

describe('a call that has not begun', () => {
  it('is repeated after a refused connection, until a server listens', async () => {
    const place = createPlainServer();
    await new Promise<void>((resolve) => place.listen(0, '127.0.0.1', resolve));
    const { port } = place.address() as AddressInfo;
    await new Promise((resolve) => place.close(resolve));
    const backend = serverOf(async (id) => depot.take(id));
    const server = createServer(backend.handler);
    const client = createRpcClient({ uriPrefix: `http://localhost:${port}`, retry: { pauseMs: 1 } });
    ends.push(() => server.close());
    let refused = 0;
    client.addListener(({ kind }) => {
      if (kind === 'retry' && ++refused === 2) server.listen(port, 'localhost');
    });
    const depotClient = client.client(Depot).with({ retry: { limit: 1000, pauseMs: 10 } });
    expect(await depotClient.take('late')).toBe(1);
    expect(refused).toBeGreaterThanOrEqual(2);
    server.closeAllConnections();
  });

  it('is repeated after a TransientError', async () => {
    let busy = 2;
    const server = serverOf(async (id) => {
      if (busy-- > 0) throw new TransientError('busy', 503, 0.01);
      return depot.take(id);
    });
    const uriPrefix = await listen(server.handler);
    expect(
      await createRpcClient({ uriPrefix, ...quick })
        .client(Depot)
        .take('busy'),
    ).toBe(1);
  });

  it('is repeated if the server was closing', async () => {
    const server = serverOf(async () => 1);
    const uriPrefix = await listen(server.handler);
    const client = createRpcClient({ uriPrefix, ...quick });
    const steps: RpcClientEvent['kind'][] = [];
    client.addListener(({ kind }) => steps.push(kind));
    await server.close(0);
    const leaving = new AbortController();
    client.addListener(({ kind }) => kind === 'retry' && leaving.abort(new Error('seen')));
    await failureOf(client.client(Depot).with({ signal: leaving.signal }).take('closing'));
    expect(steps).toEqual(['request', 'retry', 'response']);
  });

  it.each([429, 503])(
    'is repeated if a guard refuses it with %i, and not if its method does',
    async (status) => {
      @Injectable()
      class Throttle implements CanActivate {
        canActivate() {
          if (count(refusals, 'guard') < 3) throw new HttpException('slower', status);
          return true;
        }
      }
      @RpcInterface(Depot, { partial: true })
      class DepotImpl {
        @UseGuards(Throttle)
        async take(id: string) {
          return depot.take(id);
        }
        async refuse(id: string) {
          depot.take(id);
          throw new HttpException('slower', status);
        }
      }
      @Module({ imports: [RpcModule.forRoot()], providers: [DepotImpl, Throttle] })
      class App {}
      const server = await startServer(App, 'LinnetExpressAdapter');
      ends.push(() => server.stop());
      const client = createRpcClient({ uriPrefix: server.url, ...quick }).client(Depot);
      expect(await client.take('guarded')).toBe(1);
      expect(refusals.get('guard')).toBe(3);
      expect(await failureOf(client.refuse('in the method'))).toMatchObject({ status, message: 'slower' });
      expect(runs.get('in the method')).toBe(1);
    },
  );

  it('is marked by a relay only if the server behind it marked it', async () => {
    const relayTo = async (reply: ScriptedReply) => {
      const other = await listen((request, response) => {
        request.resume().on('end', () => response.writeHead(reply.status!, reply.headers).end(''));
      });
      @Module({
        imports: [
          RpcModule.forRoot(),
          RpcClientModule.forFeature([{ interface: Depot, uriPrefix: other, expose: true }]),
        ],
      })
      class Relay {}
      const server = await startServer(Relay, 'LinnetExpressAdapter');
      ends.push(() => server.stop());
      const answer = await fetch(`${server.url}/x/v1/Depot-1.0.0-take`, {
        method: 'POST',
        headers: { 'X-Correlation-Id': '1', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' },
        body: '["x"]',
      });
      return [answer.status, answer.headers.get('x-linnet-not-begun')];
    };
    expect(await relayTo({ status: 503 })).toEqual([503, null]);
    expect(await relayTo({ status: 503, headers: { 'x-linnet-not-begun': '1' } })).toEqual([503, '1']);
  });

  it.each([undefined, '', '0', 'no'])('is not recognised by a header with the value %p', async (value) => {
    const server = new ScriptedServer({ status: 503 });
    const send: typeof server.send = async (request) => {
      const reply = await server.send(request);
      // A transport of an application may have no null for what is absent.
      return {
        ...reply,
        header: (name) => (name === 'x-linnet-not-begun' ? (value as string) : reply.header(name)),
      };
    };
    await failureOf(
      createRpcClient({ send, ...quick })
        .client(Robots)
        .count(),
    );
    expect(server.requests).toHaveLength(1);
  });
});

describe('an operation', () => {
  it('is repeated if a definition of iTwin.js declares it as safe', async () => {
    class Theirs extends ITwinRpcInterface {
      static readonly interfaceName = 'Theirs';
      static interfaceVersion = '1.0.0';
      @ITwinRpcOperation.setPolicy({ idempotency: 'safe' } as object)
      async look(): Promise<string> {
        return this.forward(arguments);
      }
    }
    const server = new ScriptedServer({ status: 502 }, { body: '"seen"' });
    expect(
      await createRpcClient({ send: server.send, ...quick })
        .client(Theirs)
        .look(),
    ).toBe('seen');
  });

  it('is not repeated if its idempotency is unknown', async () => {
    class Later extends RpcInterface {
      static readonly interfaceName = 'Later';
      static interfaceVersion = '1.0.0';
      @RpcOperation({ idempotency: 'once' as 'safe' })
      async pay(): Promise<string> {
        return this.forward(arguments);
      }
    }
    const server = new ScriptedServer({ status: 502 }, { body: '"paid"' });
    expect(
      await failureOf(
        createRpcClient({ send: server.send, ...quick })
          .client(Later)
          .pay(),
      ),
    ).toMatchObject({
      status: 502,
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('Retry-After', () => {
  const busy = (retryAfter: string, status = 429): ScriptedReply => ({
    status,
    body: '',
    headers: { 'retry-after': retryAfter, 'x-linnet-not-begun': '1' },
  });
  const pausesOf = async (replies: ScriptedReply[], options: RpcClientOptions = {}) => {
    jest.useFakeTimers({ now: 0 });
    try {
      const server = new ScriptedServer(...replies);
      const client = createRpcClient({ send: server.send, ...options });
      const pauses: number[] = [];
      client.addListener((event) => event.kind === 'retry' && pauses.push(event.pauseMs));
      const call = client
        .client(Robots)
        .count()
        .catch((error: unknown) => error);
      await jest.advanceTimersByTimeAsync(1e8);
      return { pauses, outcome: await call, requests: server.requests.length };
    } finally {
      jest.useRealTimers();
    }
  };

  it.each([429, 503])('of %i is spread at random, and never shortened', async (status) => {
    for (const [chance, pause] of [
      [0, 4000],
      [0.5, 5000],
      [0.999_999, 6000],
    ] as const) {
      jest.spyOn(Math, 'random').mockReturnValue(chance);
      const { pauses, outcome } = await pausesOf([busy('4', status), { body: '"done"' }]);
      expect(outcome).toBe('done');
      expect(pauses[0]).toBeCloseTo(pause, -1);
    }
  });

  it.each([429, 503])(
    'of %i beyond 10 s rejects at once, with the time that the server requested',
    async (status) => {
      const { outcome, requests } = await pausesOf([busy('60', status)]);
      expect(outcome).toMatchObject({ name: 'ServerError', status, retryAfterMs: 60_000 });
      expect(requests).toBe(1);
      // How the error came here is not handed on by whoever throws it again.
      expect(Object.keys(outcome as object)).not.toContain('retryAfterMs');
    },
  );

  it('is obeyed up to maxRetryAfterMs', async () => {
    const retry = { maxRetryAfterMs: 60_000 };
    expect((await pausesOf([busy('60'), { body: '"done"' }], { retry })).outcome).toBe('done');
    const shorter = await pausesOf([busy('2')], { retry: { maxRetryAfterMs: 1000 } });
    expect(shorter).toMatchObject({ requests: 1, outcome: { retryAfterMs: 2000 } });
  });

  it('is a member of the error, for code that repeats calls by itself', async () => {
    const reply: ScriptedReply = {
      status: 503,
      body: '{"message":"later","isError":true}',
      headers: { 'retry-after': '3' },
    };
    const { outcome } = await pausesOf([reply]);
    expect(outcome).toMatchObject({ name: 'Error', message: 'later', status: 503, retryAfterMs: 3000 });
  });
});

describe('an RPC client', () => {
  it('passes its credentials option to fetch, and nothing without one', async () => {
    const seen: unknown[] = [];
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
      seen.push(init?.credentials);
      return new Response('1', { headers: { 'Content-Type': 'text/plain', 'X-Protocol-Version': '2' } });
    });
    for (const credentials of ['include', 'omit', undefined] as const)
      await createRpcClient({ uriPrefix: 'http://127.0.0.1:9', credentials }).client(Robots).count();
    expect(seen).toEqual(['include', 'omit', undefined]);
  });

  it.each([
    'localhost:3000',
    'localhost:3000/api',
    '127.0.0.1:3000',
    '[::1]:3000',
    'ws://h',
    'example.com:80',
  ])('refuses the uriPrefix %s, which has no scheme', (uriPrefix) => {
    expect(() => createRpcClient({ uriPrefix })).toThrow(
      `needs a scheme, http:// or https://: "${uriPrefix}"`,
    );
    const place = globalThis as { location?: { origin: string } };
    place.location = { origin: 'https://page' };
    try {
      expect(() => createRpcClient({ uriPrefix })).toThrow(
        `needs a scheme, http:// or https://: "${uriPrefix}"`,
      );
      expect(() => createRpcClient({ uriPrefix: '/api' })).not.toThrow();
    } finally {
      delete place.location;
    }
  });
});
