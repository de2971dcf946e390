import { afterAll, beforeAll, describe } from '@jest/globals';
import { natsBackplane } from '@linnet/nats';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { backplanePromises } from './backplane.conformance.js';

(hasNats ? describe : describe.skip)('with a NATS server', () => {
  let nats: NatsServer;
  beforeAll(async () => void (nats = await startNats()));
  afterAll(() => nats?.stop());

  backplanePromises('NATS', () => ({ connect: () => natsBackplane({ servers: nats.servers }) }));
});
