import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createRpcClient, ServerError } from '@linnet/common';
import { failureOf, Robots } from './scripted.send.js';

let status = 307;
let target = '';
/** Requests that arrived at the wrong server. */
const stolen: IncomingHttpHeaders[] = [];
const asked: string[] = [];
const elsewhere = createServer((request, response) => {
  stolen.push(request.headers);
  request.resume().on('end', () => response.end('"theirs"'));
});
const server = createServer((request, response) => {
  asked.push(request.method!);
  request.resume().on('end', () => response.writeHead(status, { Location: target }).end('moved'));
});
const urlOf = (of: Server) => `http://127.0.0.1:${(of.address() as AddressInfo).port}`;

beforeAll(async () => {
  for (const each of [server, elsewhere])
    await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  for (const each of [server, elsewhere]) {
    each.close();
    each.closeAllConnections();
  }
});

it.each([301, 302, 303, 307, 308])(
  'an RPC client does not follow a redirect with status %i',
  async (code) => {
    status = code;
    const robots = createRpcClient({
      uriPrefix: urlOf(server),
      authorization: 'Bearer secret',
      csrf: { headerValue: 'token' },
      token: { iTwinId: 'i', iModelId: 'm' },
    }).client(Robots);
    for (const to of [`${urlOf(elsewhere)}/x`, '/elsewhere']) {
      target = to;
      for (const call of [() => robots.count('secret'), () => robots.plan(1)]) {
        asked.length = 0;
        const error = await failureOf(call());
        expect(error).toBeInstanceOf(ServerError);
        expect(error).toMatchObject({
          status: -1,
          message: 'The server cannot be reached: it redirects calls elsewhere.',
        });
        expect(asked).toHaveLength(1);
      }
    }
    expect(stolen).toEqual([]);
  },
);
