import { afterEach, describe, expect, it } from '@jest/globals';
import {
  RpcInterface as ITwinRpcInterface,
  RpcOperation as ITwinRpcOperation,
  RpcOperationPolicy as ITwinRpcOperationPolicy,
} from '@itwin/core-common';
import { createRpcClient, RpcConfiguration, RpcInterface, RpcManager, RpcOperation } from '@linnet/common';
import { WebRpcManager } from '@linnet/common';
import type { IModelRpcProps, RpcClientOptions } from '@linnet/common';
import { failureOf, ScriptedServer } from './scripted.send.js';

interface Job {
  readonly robot: string;
  readonly hall?: IModelRpcProps;
}
const hall = { iTwinId: 'site', iModelId: 'hall 1', changeset: { id: 'c1' } };
const client = { iTwinId: 'site', iModelId: 'of-the-client' };

class HallOfJob extends ITwinRpcOperationPolicy {
  readonly #index = 1;
  override token = (request: { parameters: any[] }) => request.parameters[this.#index]?.hall;
}

/** As in a package that was made for iTwin.js. */
@ITwinRpcOperation.setDefaultPolicy({ token: (request) => request.parameters[0]?.hall })
abstract class Theirs extends ITwinRpcInterface {
  public static readonly interfaceName = 'Jobs';
  public static interfaceVersion = '1.0.0';
  public async byDefault(_job: Job): Promise<string> {
    return this.forward(arguments);
  }
  @ITwinRpcOperation.setRoutingProps((request) => request.parameters[1])
  public async second(_from: IModelRpcProps, _to: IModelRpcProps): Promise<string> {
    return this.forward(arguments);
  }
  @ITwinRpcOperation.setPolicy(new HallOfJob())
  public async byClass(_robot: string, _job: Job): Promise<string> {
    return this.forward(arguments);
  }
  // Has a token supplier like any policy of iTwin.js: the first argument that is one.
  @ITwinRpcOperation.setPolicy({ allowResponseCompression: false })
  public async first(_job: Job, _hall: IModelRpcProps): Promise<string> {
    return this.forward(arguments);
  }
  @ITwinRpcOperation.setRoutingProps((request) => {
    const { iTwinId, iModelId } = request.findTokenPropsParameter()!;
    return { key: '', iTwinId, iModelId: `${iModelId}-west` };
  })
  public async wing(_hall: IModelRpcProps): Promise<string> {
    return this.forward(arguments);
  }
}

abstract class Ours extends RpcInterface {
  static readonly interfaceName = 'Jobs';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = {
    listed: { token: ({ parameters }: { parameters: any[] }) => parameters[1] },
  };
  @RpcOperation.setRoutingProps((request) => request.parameters[0].hall)
  async byJob(_job: Job): Promise<string> {
    return this.forward(arguments);
  }
  @RpcOperation({ token: () => undefined })
  async never(_hall: IModelRpcProps): Promise<string> {
    return this.forward(arguments);
  }
  listed!: (from: IModelRpcProps, to: IModelRpcProps) => Promise<string>;
}

/** Where a call goes: the part of its path that a gateway routes by. */
async function routeOf(
  definition: any,
  call: (jobs: any) => Promise<unknown>,
  options: RpcClientOptions = {},
): Promise<string | undefined> {
  const server = new ScriptedServer({ body: '"done"' });
  await call(createRpcClient({ send: server.send, ...options }).client(definition));
  return /\/context\/(.*)\/Jobs-/.exec(server.requests[0]!.url)?.[1];
}
const toHall = 'site/imodel/hall%201/changeset/c1';
const toClient = 'site/imodel/of-the-client/changeset/0';

describe('a definition of iTwin.js routes its calls', () => {
  it.each<[string, (jobs: any) => Promise<unknown>, string]>([
    ['by the policy of the definition', (jobs) => jobs.byDefault({ robot: 'r', hall }), toHall],
    ['by the policy of an operation', (jobs) => jobs.second(client, hall), toHall],
    ['by a policy that is an instance of a class', (jobs) => jobs.byClass('r', { robot: 'r', hall }), toHall],
    [
      'by the first token among the arguments if a policy has no token function',
      (jobs) => jobs.first({ robot: 'r' }, hall),
      toHall,
    ],
    [
      'by a token that the policy makes from the arguments',
      (jobs) => jobs.wing(hall),
      'site/imodel/hall%201-west/changeset/0',
    ],
    [
      'by the token of the client if the policy finds none',
      (jobs) => jobs.byDefault({ robot: 'r' }),
      toClient,
    ],
  ])('%s', async (_name, call, route) => {
    expect(await routeOf(Theirs, call, { token: client })).toBe(route);
  });
});

describe('a definition of this library routes its calls', () => {
  it.each<[string, (jobs: any) => Promise<unknown>, string]>([
    ['by a decorator', (jobs) => jobs.byJob({ robot: 'r', hall }), toHall],
    ['by its list of operations', (jobs) => jobs.listed(client, hall), toHall],
    ['by the token of the client if its function returns none', (jobs) => jobs.never(hall), toClient],
  ])('%s', async (_name, call, route) => {
    expect(await routeOf(Ours, call, { token: client })).toBe(route);
  });

  it('or rejects them with the error of its policy', async () => {
    const { send, requests } = new ScriptedServer({ body: '1' });
    const jobs = createRpcClient({ send }).client(Ours);
    expect(await failureOf(jobs.byJob(undefined as never))).toBeInstanceOf(TypeError);
    expect(requests).toEqual([]);
  });
});

describe('RpcConfiguration.requestContext', () => {
  const info = { title: 'Fleet', version: 'v1' };
  afterEach(() => {
    delete RpcConfiguration.requestContext.getId;
    delete RpcConfiguration.requestContext.serialize;
  });

  const initialize = (server: ScriptedServer, options: RpcClientOptions = {}) => {
    WebRpcManager.initializeClient({ info, send: server.send, retry: { pauseMs: 1 }, ...options }, [Ours]);
    return RpcManager.getClientForInterface(Ours);
  };

  it('supplies ids and credentials before every request', async () => {
    const server = new ScriptedServer({ status: 503, headers: { 'x-linnet-not-begun': '1' } }, { body: '1' });
    const jobs = initialize(server);
    let asked = 0;
    // Set after the client was made, as an application of iTwin.js does when it starts.
    RpcConfiguration.requestContext.getId = () => 'click 7';
    RpcConfiguration.requestContext.serialize = async ({ id }) => ({
      id,
      applicationId: 'app',
      applicationVersion: '3',
      sessionId: `session of ${id}`,
      authorization: `Bearer ${++asked}`,
    });
    await jobs.byJob({ robot: 'r', hall });
    expect(server.requests.map(({ headers }) => headers)).toMatchObject(
      ['Bearer 1', 'Bearer 2'].map((authorization) => ({
        'x-correlation-id': 'click 7',
        'x-application-id': 'app',
        'x-application-version': '3',
        'x-session-id': 'session of click 7',
        authorization,
      })),
    );
    await jobs.with({ activityId: 'given' }).byJob({ robot: 'r', hall });
    expect(server.requests.at(-1)!.headers).toMatchObject({
      'x-correlation-id': 'given',
      'x-session-id': 'session of given',
    });
  });

  it('does not replace the options of a client, and is not used by createRpcClient', async () => {
    const server = new ScriptedServer({ body: '1' });
    RpcConfiguration.requestContext.getId = () => '';
    RpcConfiguration.requestContext.serialize = async () => ({
      applicationId: 'app',
      applicationVersion: '3',
      sessionId: 's',
      authorization: 'theirs',
    });
    const context = () => ({ activityId: 'around', sessionId: 'before' });
    await initialize(server, { authorization: 'own', context }).byJob({ robot: 'r', hall });
    await createRpcClient({ send: server.send }).client(Ours).byJob({ robot: 'r', hall });
    const [face, bare] = server.requests.map(({ headers }) => headers);
    expect(face).toMatchObject({
      authorization: 'own',
      'x-application-id': 'app',
      'x-correlation-id': 'around',
      'x-session-id': 's',
    });
    expect(bare).not.toHaveProperty('authorization');
    expect(bare!['x-application-id']).toBe('');
  });

  it('fails the call if it throws', async () => {
    const server = new ScriptedServer({ body: '1' });
    RpcConfiguration.requestContext.serialize = () => Promise.reject(new Error('not signed in'));
    expect((await failureOf(initialize(server).byJob({ robot: 'r', hall }))).message).toBe('not signed in');
    expect(server.requests).toEqual([]);
  });
});
