// A server stream of Connect over HTTP/1.1, in protobuf.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { StreamService } from './connect.schema.js';
import { reportToParent } from './parent.js';
import { largeItems } from './stream.data.js';

const server = createServer(
  connectNodeAdapter({
    routes: ({ service }) =>
      service(StreamService, {
        large: ({ count }) => largeItems(count),
      }),
  }),
);
server.listen(0, '127.0.0.1', () => reportToParent((server.address() as AddressInfo).port));
