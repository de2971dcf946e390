import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { rowsOf, WHOLE_ADAPTER, WHOLE_PLAIN } from '../tables/columns.js';
import { errors } from '../tables/errors.js';
import { Guarantees, GuaranteesModule, last } from '../tables/guarantees.fixture.js';
import { ITwinClient, toITwin } from './itwin.client.js';
import { send } from './raw.client.js';
import { plainNames } from '../../rpc/plain/plain.servers.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { pathTo, serverNames, start } from '../tables/server.js';
import { argumentOf, expectedOf, refused, values } from '../tables/values.js';

const client = new ITwinClient([toITwin(Guarantees)]);
const calls = () => client.of('Guarantees');

describe.each(serverNames)('values and errors over %s', (adapter) => {
  const isWhole = [WHOLE_ADAPTER, WHOLE_PLAIN].includes(adapter);
  // Exceptions of Nest have a meaning in Nest only.
  const promised = rowsOf('errors', errors, isWhole).filter(
    ({ thrown }) => !plainNames.includes(adapter) || !(thrown instanceof HttpException),
  );
  let server: PlainServer;
  beforeAll(async () => {
    server = await start(GuaranteesModule, adapter);
    client.connect(server.url);
  });
  afterAll(() => server.stop());

  it.each(rowsOf('values', values, isWhole))('the value "$name" reaches the client', async (each) => {
    expect(await calls().value!(each.name)).toStrictEqual(expectedOf(each));
  });

  it.each(
    rowsOf('values', values, isWhole).filter(
      ({ fromServerOnly, value }) => !fromServerOnly && !(value instanceof Buffer),
    ),
  )('the value "$name" reaches the server and comes back', async (each) => {
    last.received = 'nothing came';
    const back = await calls().echo!(each.name, each.value);
    expect(last.received).toEqual(argumentOf(each));
    expect(back).toStrictEqual(argumentOf(each));
  });

  it.each(rowsOf('refused values', refused, isWhole))(
    'the value "$name" is refused, and the error names the place',
    async ({ name, message }) => {
      await expect(calls().value!(name)).rejects.toMatchObject({
        errorNumber: 32768,
        message: expect.stringContaining(`The value cannot be sent: ${message}`),
      });
    },
  );

  it.each(promised)(
    'the error "$name" has the promised status and body',
    async ({ name, status, body, retryAfter }) => {
      const answer = await send(server.port, {
        method: 'POST',
        target: pathTo(Guarantees, 'fail'),
        headers: [
          ['X-Correlation-Id', 'errors'],
          ['X-Protocol-Version', '2'],
          ['Content-Type', 'text/plain'],
          ['Transfer-Encoding', 'chunked'],
        ],
        body: { text: JSON.stringify([name]) },
      });
      expect({ status: answer.status, body: JSON.parse(answer.body.toString()) }).toEqual({ status, body });
      expect(answer.headers['retry-after']).toBe(retryAfter);
    },
  );

  it.each(promised.filter(({ status, body }) => [404, 500].includes(status) && 'message' in body))(
    'the error "$name" is thrown by the client',
    async ({ name, body }) => {
      client.identify(() => 'errors');
      await expect(calls().fail!(name)).rejects.toMatchObject({
        message: body['message'],
        name: body['name'],
        errorNumber: body['errorNumber'] ?? 32768,
      });
    },
  );
});
