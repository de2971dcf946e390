import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type Express from 'express';
import { BentleyCloudRpcManager, RpcManager } from '@linnet/backend/node';
import type { WebRpcConfiguration } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';
import type { RpcClient } from '@linnet/common';
import { differences, outcomeAt, vectors } from '../rpc/client/recorded.calls.js';
import {
  ConfEcho,
  ConfErrors,
  ConfFlow,
  ConfPre,
  ConfZero,
} from '../conformance/tables/fixture.definitions.js';
import { listen } from '../rpc/plain/plain.servers.js';
import { RobotWorldReadRpcImpl, RobotWorldReadRpcInterface } from '../rpc/plain/seeds.js';
import { serve } from '../seeds/samples/express.server.js';
import { installReference, startReference } from './start.js';
import type { ReferenceServer } from './start.js';

// Our client against the server of iTwin.js itself (core-backend and express-server 5.1.9).

const missing = installReference();
// eslint-disable-next-line no-console -- who reads the report has to know what it does not say
if (missing) console.warn(`The reference server is not tested: ${missing}.`);

/** Answers of our server that differ. */
const ofOurs = ['C12', 'C35'];

(missing ? describe.skip : describe)('our client at the reference server', () => {
  let server: ReferenceServer;
  let client: RpcClient;
  beforeAll(async () => {
    server = await startReference();
    const interfaces = [ConfEcho, ConfErrors, ConfFlow];
    client = createRpcClient({ uriPrefix: server.url, interfaces, pendingIntervalMs: 10 });
  }, 60_000);
  afterAll(() => server.stop());

  it.each(vectors.filter(({ id }) => !ofOurs.includes(id)))(
    'gets the outcome of $id $title',
    async (vector) => {
      // A backend of iTwin.js does not say whether it had begun: its own client repeats the call all the same.
      const outcome = await outcomeAt({ uriPrefix: server.url, retry: { always: true } }, vector);
      expect(outcome).toEqual(differences[vector.id] ?? vector.clientOutcome);
    },
  );

  it.each([503, 429])('does not repeat a call after status %i without retry.always', async (status) => {
    const call = client.client(ConfFlow).transient(status, `only-${status}`, 1, '0.1');
    await expect(call).rejects.toMatchObject({ errorNumber: status });
  });

  it('gets only the first item of a list that begins with bytes (quirk 13)', async () => {
    const vector = vectors.find(({ id }) => id === 'C12');
    expect(await outcomeAt({ uriPrefix: server.url }, vector!)).toEqual(vector!.clientOutcome);
  });

  it('finds out which interfaces are served in which version', async () => {
    await client.ready();
    const pre = { interfaceName: ConfPre.interfaceName, interfaceVersion: '1.2.3-dev.7' };
    expect(await client.describeEndpoints()).toContainEqual({
      ...pre,
      operationNames: ['ping'],
      compatible: true,
    });
    const newer = Object.create(ConfEcho, { interfaceVersion: { value: '2.4.0' } }) as typeof ConfEcho;
    const unfit = createRpcClient({ uriPrefix: server.url, interfaces: [newer, ConfZero] });
    await expect(unfit.ready()).rejects.toThrow(
      'ConfEcho is served in version 2.3.4, which does not fit to 2.4.0; ConfZero is not served.',
    );
  });

  it('gets errors of every category', async () => {
    for (const errorNumber of [65537, 65542, 65544, 65574, 65589, 65600, 102656, 135168])
      await expect(client.client(ConfErrors).bentley(errorNumber, 'm')).rejects.toMatchObject({
        errorNumber,
        message: 'm',
      });
  });

  it('can send headers that the server does not know, and gives up after timeoutMs', async () => {
    const flow = client.client(ConfFlow).with({ timeoutMs: 100, headers: { 'X-Of-Ours': '1' } });
    await expect(flow.delay(5000, 1)).rejects.toMatchObject({ name: 'DeadlineError' });
    expect(await flow.delay(0, 1)).toBe(1);
  });

  it('gets cacheable calls by GET, and sends arguments behind bytes', async () => {
    const token = { iTwinId: 't', iModelId: 'm' };
    expect(await client.client(ConfFlow).with({ token }).cached({ q: 'é' })).toEqual({ q: 'é' });
    expect(await client.client(ConfEcho).argCount(Uint8Array.of(1), 'not lost', [Uint8Array.of(2)])).toBe(3);
  });
});

(missing ? describe.skip : describe)(
  'Rpc Interface › Serve the Interfaces: the sample on the Express 4 of the reference',
  () => {
    const load = createRequire(join(import.meta.dirname, 'server.cjs'));
    const token = { key: 'k', iTwinId: 't', iModelId: 'hall', changeset: { id: 'c' } };
    let express: typeof Express;
    let configuration: WebRpcConfiguration;
    beforeAll(() => {
      express = load('express') as typeof Express;
      RpcManager.registerImpl(RobotWorldReadRpcInterface, RobotWorldReadRpcImpl);
      const info = { title: 'RobotWorldEngine', version: 'v1.0' };
      configuration = BentleyCloudRpcManager.initializeImpl({ info }, [RobotWorldReadRpcInterface]);
    });

    it.each([
      ['no parser', () => []],
      ['the parsers of the reference', () => [express.text(), express.raw()]],
      ['express.json()', () => [express.json()]],
    ])('answers behind %s', async (_name, parsers) => {
      const behind = () => {
        const app = express();
        for (const parser of parsers()) app.use(parser);
        return app;
      };
      const webServer = serve(behind as typeof Express, configuration);
      const server = await listen(createServer(webServer));
      try {
        const robots = createRpcClient({ uriPrefix: server.url }).client(RobotWorldReadRpcInterface);
        expect(await robots.countRobots(token)).toBe(4);
        expect(await robots.countRobotsInArray(token, ['0x1', '0x2'])).toBe(2);
      } finally {
        await server.stop();
      }
    });
  },
);
