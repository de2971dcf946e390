import { Headers, Injectable, Ip, Req, Res, Scope, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import {
  CallContext,
  ClientRequestContext,
  CurrentSession,
  IModelError,
  IModelStatus,
  IpcSession,
  NoContentError,
  RpcInterface,
  RpcNotFoundResponse,
  RpcPendingResponse,
} from '@linnet/backend';
import type { MessageRequest } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import type { IpcAppSetup, TestFrontend } from '../../../harness/ipc.harness.js';
import { definitionOf } from '../../../harness/nest.harness.js';

const definition = definitionOf('Robots', 'count', 'echo', 'fail', 'fields', 'guarded', 'session', 'bytes');
const other = definitionOf('Other', 'go');

const thrown: Record<string, () => unknown> = {
  pending: () => new RpcPendingResponse('40 of 100'),
  notFound: () => new RpcNotFoundResponse(),
  noContent: () => new NoContentError(),
  error: () => new IModelError(65574, 'no such robot'),
};

class RobotsBase {
  async count() {
    return 3;
  }
  async echo(...values: unknown[]) {
    return values;
  }
  async fail(kind: string) {
    throw thrown[kind]!();
  }
  async fields() {
    const { activityId, sessionId, applicationId, applicationVersion, accessToken, user, rpcMethod } =
      ClientRequestContext.current;
    return { activityId, sessionId, applicationId, applicationVersion, accessToken, user, rpcMethod };
  }
  @UseGuards({ canActivate: () => false })
  async guarded() {}
  async session(@CurrentSession() session?: IpcSession) {
    return session?.id ?? 'none';
  }
  async bytes(bytes: Float32Array) {
    return bytes.map((value) => value * 2);
  }
}

@RpcInterface(definition)
class RobotsImpl extends RobotsBase {}

@RpcInterface(other)
class OtherImpl {
  async go() {
    return 'went';
  }
}

const context = {
  applicationId: 'app-1',
  applicationVersion: '1.2.3',
  id: 'activity-1',
  sessionId: 'client-session',
  protocolVersion: '2',
};

/** Calls an operation, named `Interface.operation`. */
function rpc({ ask }: TestFrontend, operation: string, ...parameters: unknown[]): Promise<any> {
  const [interfaceName, name] = operation.split('.');
  return request(ask, { interfaceName, interfaceVersion: '1.0.0' }, name!, parameters);
}
const request = (ask: TestFrontend['ask'], definition: object, operation: string, parameters: unknown[]) =>
  ask('itwinjs-core/rpc-over-ipc.request', { definition, operation, parameters, context });

const start = (setup: IpcAppSetup = {}) =>
  startIpcApp({ rpc: {}, providers: [RobotsImpl, OtherImpl], ...setup });

afterEach(closeIpcApps);

describe('RPC over IPC', () => {
  it('serves every exposed interface', async () => {
    const { connect } = await start();
    const frontend = await connect();
    expect(await rpc(frontend, 'Robots.count')).toEqual({ result: 3 });
    expect(await rpc(frontend, 'Other.go')).toEqual({ result: 'went' });
    expect(await rpc(frontend, 'Robots.echo', 1, null, { a: [2] })).toEqual({
      result: [1, null, { a: [2] }],
    });
    expect(await rpc(frontend, 'Robots.bytes', Float32Array.of(0.5))).toEqual({ result: Float32Array.of(1) });
  });

  it('answers for an interface that is not exposed as for one that does not exist', async () => {
    const { connect } = await start({ rpc: { interfaces: [definition] } });
    const frontend = await connect();
    const message = async (call: Promise<any>) => (await call).error.message as string;
    expect(await message(rpc(frontend, 'Other.go'))).toBe('RPC interface "Other" is not initialized.');
    expect(await message(rpc(frontend, 'Never.go'))).toBe('RPC interface "Never" is not initialized.');
    expect(await rpc(frontend, 'Robots.count')).toEqual({ result: 3 });
  });

  it('names the interface, the operation or the version that is missing or does not match', async () => {
    const { connect } = await start();
    const { ask } = await connect();
    const message = async (...args: unknown[]) =>
      (await request(ask, ...(args as [object, string, unknown[]]))).error.message as string;
    const robots = { interfaceName: 'Robots', interfaceVersion: '1.0.0' };
    expect(await message(robots, 'fly', [])).toContain('fly');
    expect(await message(robots, 'constructor', [])).toContain('constructor');
    expect(await message({ ...robots, interfaceVersion: '2.0.0' }, 'count', [])).toMatch(/1\.0\.0.*2\.0\.0/);
    expect(await message({}, 'count', [])).toContain('is not initialized');
    expect(await message(robots, 'echo', Array.from({ length: 300 }))).toContain(
      '300 arguments are too many',
    );
    for (const odd of [undefined, null, 7, 'text', []])
      expect((await ask('itwinjs-core/rpc-over-ipc.request', odd)).error.message).toContain('initialized');
  });

  it('answers with an error if the application has no RpcModule', async () => {
    const { connect } = await startIpcApp();
    expect((await rpc(await connect(), 'Robots.count')).error.message).toBe(
      'RPC interface "Robots" is not initialized.',
    );
  });

  it('answers pending, not found and no content without an error log', async () => {
    const { connect, log } = await start();
    const frontend = await connect();
    const managed = (managedStatus: string, responseValue: unknown) => ({
      result: { iTwinRpcCoreResponse: true, managedStatus, responseValue },
    });
    expect(await rpc(frontend, 'Robots.fail', 'pending')).toEqual(
      managed('pending', { message: '40 of 100' }),
    );
    expect(await rpc(frontend, 'Robots.fail', 'notFound')).toEqual(managed('notFound', expect.anything()));
    expect(await rpc(frontend, 'Robots.fail', 'noContent')).toEqual(
      managed('noContent', expect.objectContaining({ errorNumber: IModelStatus.NoContent })),
    );
    expect((await rpc(frontend, 'Robots.fail', 'error')).error).toMatchObject({
      errorNumber: 65574,
      message: 'no such robot',
    });
    expect(log.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('runs the guards of the application and of the method', async () => {
    const seen: unknown[] = [];
    const looking: CanActivate = {
      canActivate(context: ExecutionContext) {
        const call = CallContext.from(context)!;
        seen.push([context.getType(), call.operation, call.authorization, call.session?.user]);
        return call.operation !== 'count';
      },
    };
    const { connect } = await start({
      ipc: { authorize: () => ({ user: 'ann', accessToken: 'Bearer t' }) },
      configure: (app) => app.useGlobalGuards(looking),
    });
    const frontend = await connect();
    expect((await rpc(frontend, 'Robots.count')).error.message).toBe('Forbidden resource');
    expect((await rpc(frontend, 'Robots.guarded')).error.message).toBe('Forbidden resource');
    expect(await rpc(frontend, 'Other.go')).toEqual({ result: 'went' });
    expect(seen).toEqual(['count', 'guarded', 'go'].map((name) => ['rpc', name, 'Bearer t', 'ann']));
  });

  it('rejects a call if a guard needs a header that the session does not have', async () => {
    const needing: CanActivate = {
      canActivate: (context: ExecutionContext) =>
        context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['authorization'] !==
        undefined,
    };
    const { connect } = await start({ configure: (app) => app.useGlobalGuards(needing) });
    const answer = await rpc(await connect(), 'Robots.count');
    expect(answer).not.toHaveProperty('result');
    expect(answer).toHaveProperty('error.message');
  });

  it('rejects a call if a parameter of the method is an HTTP response', async () => {
    @RpcInterface(other)
    class ResponseImpl {
      async go(@Res() response: unknown) {
        return response;
      }
    }
    const { connect } = await start({ providers: [ResponseImpl] });
    expect(await rpc(await connect(), 'Other.go')).toEqual({
      error: { message: 'A parameter of the method is for calls over HTTP, and the call came over IPC.' },
    });
  });

  it('fills parameters of the request from the session', async () => {
    @RpcInterface(other)
    class RequestImpl {
      async go(@Req() request: MessageRequest, @Ip() ip: string) {
        return [request.method, request.url, request.headers['x-robot'], ip];
      }
    }
    @RpcInterface(definition, { partial: true })
    class HeadersImpl {
      async count(@Headers('x-robot') robot: string) {
        return robot;
      }
    }
    const { connect } = await start({ providers: [RequestImpl, HeadersImpl] });
    const frontend = await connect({ headers: { 'X-Robot': 'r7' } });
    expect(await rpc(frontend, 'Other.go')).toEqual({
      result: ['POST', '/Other-1.0.0-go', 'r7', '127.0.0.1'],
    });
    expect(await rpc(frontend, 'Robots.count')).toEqual({ result: 'r7' });
  });

  it('runs a call in the activity that the frontend sends, with the user and credentials of the session', async () => {
    const { connect } = await start({ ipc: { authorize: () => ({ user: 'ann', accessToken: 'Bearer t' }) } });
    expect(await rpc(await connect(), 'Robots.fields')).toEqual({
      result: {
        activityId: 'activity-1',
        sessionId: 'client-session',
        applicationId: 'app-1',
        applicationVersion: '1.2.3',
        accessToken: 'Bearer t',
        user: 'ann',
        rpcMethod: 'fields',
      },
    });
  });

  it('gives a method the session, which a call over HTTP does not have', async () => {
    const { connect, session, send } = await start();
    const frontend = await connect();
    const { id } = await session();
    expect(await rpc(frontend, 'Robots.session')).toEqual({ result: id });
    const reply = await send({ target: '/Robots-1.0.0-session', body: '[]' });
    expect(reply.json).toBe('none');
  });

  it('makes a request-scoped implementation for each call', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class PerCall {
      readonly id = ++made;
    }
    @RpcInterface(other)
    class ScopedImpl {
      constructor(private readonly perCall: PerCall) {}
      async go() {
        return this.perCall.id;
      }
    }
    const { connect } = await start({ providers: [PerCall, ScopedImpl] });
    const frontend = await connect();
    expect(await rpc(frontend, 'Other.go')).toEqual({ result: 1 });
    expect(await rpc(frontend, 'Other.go')).toEqual({ result: 2 });
  });

  it('injects the session into an implementation, and answers over HTTP that there is no session', async () => {
    @RpcInterface(other)
    class SessionImpl {
      constructor(private readonly session: IpcSession) {}
      async go() {
        return this.session.id;
      }
    }
    const { connect, session, send } = await start({ providers: [SessionImpl] });
    const frontend = await connect();
    expect(await rpc(frontend, 'Other.go')).toEqual({ result: (await session()).id });
    const reply = await send({ target: '/Other-1.0.0-go', body: '[]' });
    expect(reply.status).toBe(500);
    expect(reply.json.message).toBe('There is no IpcSession here: the call came over HTTP.');
  });
});
