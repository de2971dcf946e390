// Subscriptions of tRPC as server-sent events, on its own HTTP server.
import type { AddressInfo } from 'node:net';
import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { z } from 'zod';
import { reportToParent } from './parent.js';
import { largeItems } from './stream.data.js';

const { router, procedure } = initTRPC.create();
const streams = router({
  large: procedure.input(z.object({ count: z.number() })).subscription(async function* ({ input }) {
    yield* largeItems(input.count);
  }),
});

const server = createHTTPServer({ router: streams });
server.listen(0, '127.0.0.1', () => reportToParent((server.address() as AddressInfo).port));
