import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SpanKind, trace } from '@opentelemetry/api';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient, RpcInterface } from '@linnet/common';
import { enableTelemetry } from '@linnet/common/telemetry';
import { natsServer, natsTransport } from '@linnet/nats';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { Collected, isParent } from './collected.js';

abstract class Clock extends RpcInterface {
  static readonly interfaceName = 'Clock';
  static interfaceVersion = '1.0.0';
  async now(): Promise<number> {
    return this.forward(arguments);
  }
}

(hasNats ? describe : describe.skip)('a call over NATS', () => {
  const collected = new Collected();
  let nats: NatsServer;
  let disable: () => void;

  beforeAll(async () => {
    disable = enableTelemetry();
    nats = await startNats();
  });
  afterAll(async () => {
    disable();
    collected.end();
    await nats.stop();
  });

  it('is one trace with its caller and its method', async () => {
    const now = async () => {
      trace.getTracer('test').startSpan('method').end();
      return 1;
    };
    const server = createRpcServer({ interfaces: [[Clock, { now }]] });
    const where = { servers: nats.servers, service: 'clock' };
    await server.listen(natsServer(where));
    const transport = natsTransport(where);
    const client = createRpcClient({ transport }).client(Clock);
    await trace.getTracer('test').startActiveSpan('click', async (span) => {
      await client.now();
      span.end();
    });
    const click = await collected.one('click', SpanKind.INTERNAL);
    const sent = await collected.one('Clock/now', SpanKind.CLIENT);
    const served = await collected.one('Clock/now', SpanKind.SERVER);
    expect(isParent(click, sent)).toBe(true);
    expect(isParent(sent, served)).toBe(true);
    expect(isParent(served, await collected.one('method', SpanKind.INTERNAL))).toBe(true);
    await transport.close();
    await server.close(0);
  });
});
