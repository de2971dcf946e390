// An event iterator of oRPC on `node:http`.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/node';
import { z } from 'zod';
import { reportToParent } from './parent.js';
import { largeItems } from './stream.data.js';

const streams = {
  large: os.input(z.object({ count: z.number() })).handler(async function* ({ input }) {
    yield* largeItems(input.count);
  }),
};

const handler = new RPCHandler(streams);
const server = createServer((request, response) => {
  void handler.handle(request, response).then(({ matched }) => {
    if (matched) return;
    response.statusCode = 404;
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => reportToParent((server.address() as AddressInfo).port));
