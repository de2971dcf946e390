import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { clientCalls } from './client.calls.js';
import { clientDifferences } from './client.differences.js';
import { definitions } from '../tables/fixture.definitions.js';
import { ConformanceModule } from '../tables/fixture.js';
import { ITwinClient, outcomeOf, toITwin } from './itwin.client.js';
import type { RawRequest } from './raw.client.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { serverNames, start } from '../tables/server.js';
import { readVectors } from '../tables/vectors.js';

interface ClientVector {
  id: string;
  title: string;
  exchanges: { request: RawRequest }[];
  clientOutcome: unknown;
}

const { vectors } = readVectors('http-client') as { vectors: ClientVector[] };
const cacheable = ['cached', 'generateTileContent', 'getConnectionProps', 'getTileCacheContainerUrl'];
const client = new ITwinClient(definitions.map((definition) => toITwin(definition, cacheable)));

it('the iTwin.js client has a call for every recorded outcome', () => {
  expect(Object.keys(clientCalls)).toEqual(vectors.map(({ id }) => id));
});

describe.each(serverNames)('the iTwin.js client over %s', (adapter) => {
  let server: PlainServer;
  beforeAll(async () => {
    server = await start(ConformanceModule, adapter);
    client.connect(server.url);
  });
  afterAll(() => server.stop());
  beforeEach(() =>
    client.token({ iTwinId: 'conf-itwin', iModelId: 'conf-imodel', changeset: { id: 'conf-changeset' } }),
  );

  it.each(vectors)('$id $title', async ({ id, exchanges, clientOutcome }) => {
    const { headers, body } = exchanges[0]!.request;
    client.identify(() => headers.find(([name]) => name === 'X-Correlation-Id')![1]);
    const key = /v-[\w-]+/.exec(JSON.stringify(body))?.[0] ?? '';
    const outcome = await outcomeOf(clientCalls[id]!(client, key));
    expect(outcome).toEqual(clientDifferences[id]?.clientOutcome ?? clientOutcome);
  });
});
