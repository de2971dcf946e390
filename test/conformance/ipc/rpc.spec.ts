import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BackendError, IpcSession, unwrapIpcInvokeReturn } from '@itwin/core-common';
import { clientCalls } from '../http/client.calls.js';
import { clientDifferences } from '../http/client.differences.js';
import { definitions } from '../tables/fixture.definitions.js';
import { IpcConformanceModule } from './fixture.js';
import { ITwinClient, outcomeOf, toITwin } from '../http/itwin.client.js';
import { ITwinIpcFrontend } from './itwin.ipc.js';
import { rpcOverIpcDifferences } from './differences.js';
import type { RawRequest } from '../http/raw.client.js';
import { adapterNames, startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { readVectors } from '../tables/vectors.js';

interface ClientVector {
  id: string;
  title: string;
  exchanges: { request: RawRequest }[];
  clientOutcome: unknown;
}

const { vectors } = readVectors('http-client') as { vectors: ClientVector[] };
const client = new ITwinClient(definitions.map((definition) => toITwin(definition)));
const frontend = new ITwinIpcFrontend();

/** As `LocalhostIpcApp` starts it. */
class Session extends IpcSession {
  async handleRpc(info: object): Promise<unknown> {
    const answer = await frontend.invoke('itwin.itwinjs-core/rpc-over-ipc', 'request', info);
    return unwrapIpcInvokeReturn(answer as { result: unknown }, BackendError) as unknown;
  }
}

it('the differences of RPC over IPC name only recorded calls', () => {
  const ids = vectors.map(({ id }) => id);
  expect(Object.keys(rpcOverIpcDifferences).filter((id) => !ids.includes(id))).toEqual([]);
});

describe.each(adapterNames)('the iTwin.js client over IPC on %s', (adapter) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(IpcConformanceModule, adapter);
    await frontend.connect(server.port);
    IpcSession.start(new Session());
  });
  afterAll(async () => {
    IpcSession.stop();
    await server.stop();
  });
  beforeEach(() =>
    client.token({ iTwinId: 'conf-itwin', iModelId: 'conf-imodel', changeset: { id: 'conf-changeset' } }),
  );

  const settles = ({ id }: ClientVector) =>
    !rpcOverIpcDifferences[id] || 'outcome' in rpcOverIpcDifferences[id];

  it.each(vectors.filter(settles))('$id $title', async ({ id, exchanges, clientOutcome }) => {
    const { headers, body } = exchanges[0]!.request;
    client.identify(() => headers.find(([name]) => name === 'X-Correlation-Id')![1]);
    const key = /v-[\w-]+/.exec(JSON.stringify(body))?.[0] ?? '';
    const expected = clientDifferences[id]?.clientOutcome ?? clientOutcome;
    expect(await outcomeOf(clientCalls[id]!(client, key))).toEqual(
      rpcOverIpcDifferences[id]?.outcome ?? expected,
    );
  });
});
