import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { metrics, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider } from '@opentelemetry/sdk-metrics';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient, RpcInterface } from '@linnet/common';
import { observe, observer } from '@linnet/common/internal';
import { enableTelemetry } from '@linnet/common/telemetry';
import { Collected } from './collected.js';

abstract class Clock extends RpcInterface {
  static readonly interfaceName = 'Clock';
  static interfaceVersion = '1.0.0';
  async now(): Promise<string> {
    return this.forward(arguments);
  }
  async ask(): Promise<string> {
    return this.forward(arguments);
  }
}

const seen: IncomingHttpHeaders[] = [];
let server: Server;
let clock: Clock;
let disable: (() => void) | undefined;
let collected: Collected | undefined;

const implementation = {
  async now() {
    await Promise.resolve();
    const span = trace.getActiveSpan()?.spanContext();
    return span ? `${span.traceId} ${span.traceFlags}` : '';
  },
  ask: () => clock.now(),
};

beforeEach(async () => {
  const rpc = createRpcServer({ interfaces: [[Clock, implementation]] });
  server = createServer((request, response) => {
    seen.push(request.headers);
    rpc.handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  clock = createRpcClient({
    uriPrefix: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }).client(Clock);
});
afterEach(() => {
  disable?.();
  disable = undefined;
  collected?.end();
  collected = undefined;
  metrics.disable();
  seen.length = 0;
  server.close();
  server.closeAllConnections();
});

/** Calls until telemetry has looked for an SDK again. @returns how many calls it took */
async function called(): Promise<number> {
  const CALLS = 50;
  for (let i = 0; i < CALLS; i++) await clock.now();
  return CALLS;
}

function meters() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  return { exporter, reader, provider: new MeterProvider({ readers: [reader] }) };
}

describe('without an SDK', () => {
  beforeEach(() => {
    disable = enableTelemetry();
  });

  it('nothing is made for a call', async () => {
    await clock.now();
    const { call, session, refused, frame, body, logFields, followsTraces } = observer!;
    expect([call, session, refused, frame, body, logFields]).toEqual(Array(6).fill(undefined));
    expect(followsTraces).toBe(false);
    expect(seen[0]!['traceparent']).toBeUndefined();
  });

  it('spans begin with a tracer provider that is registered later', async () => {
    await clock.now();
    collected = new Collected();
    await called();
    const [traceId] = (await clock.now()).split(' ');
    const spans = await collected.named('Clock/now', 2);
    const last = spans.slice(-2).map((span) => span.spanContext().traceId);
    expect(last).toEqual([traceId, traceId]);
    expect(observer!.frame).toBeUndefined();
  });

  it.each(['before', 'after'])(
    'metrics begin with a meter provider that is registered %s it',
    async (when) => {
      if (when === 'after') {
        collected = new Collected();
        await clock.now();
      }
      const { exporter, reader, provider } = meters();
      metrics.setGlobalMeterProvider(provider);
      await called();
      await clock.now();
      await reader.forceFlush();
      const all = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics));
      const durations = all.find(({ descriptor }) => descriptor.name === 'rpc.server.call.duration');
      expect((durations!.dataPoints[0]!.value as { count: number }).count).toBeGreaterThan(0);
      await provider.shutdown();
    },
  );

  it('spans begin although another observer was added before', async () => {
    let calls = 0;
    const forget = observe({
      call: () => {
        calls++;
        return undefined;
      },
    });
    await clock.now();
    collected = new Collected();
    const before = await called();
    await clock.now();
    await collected.named('Clock/now', 2);
    // Both ends of each call.
    expect(calls).toBe(2 * (before + 2));
    expect(observer!.followsTraces).toBe(true);
    forget();
  });
});

describe('a call that is not sampled', () => {
  it.each([
    ['by the sampler of the SDK', () => new Collected(new AlwaysOffSampler()), {}],
    ['by `sampleRatio`', () => new Collected(), { sampleRatio: 0 }],
  ])('%s has a trace, which its method passes on, and no spans', async (_by, sdk, options) => {
    collected = sdk();
    disable = enableTelemetry(options);
    const [traceId, flags] = (await clock.ask()).split(' ');
    expect(traceId).toMatch(/^[\da-f]{32}$/);
    expect(Number(flags)).toBe(TraceFlags.NONE);
    const sent = expect.stringMatching(`^00-${traceId}-[\\da-f]{16}-00$`);
    expect(seen.map((headers) => headers['traceparent'])).toEqual([sent, sent]);
    const [other] = (await clock.ask()).split(' ');
    expect(other).not.toBe(traceId);
    expect(collected.spans).toEqual([]);
  });

  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const call = async (flags: string) => {
    const { port } = server.address() as AddressInfo;
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-${flags}`, 'X-Correlation-ID': 'a' };
    const target = `http://127.0.0.1:${port}/Clock-1.0.0-now`;
    return (await fetch(target, { method: 'POST', body: '[]', headers })).json();
  };

  it('with `sampleRatio` follows its caller, sampled or not', async () => {
    collected = new Collected();
    disable = enableTelemetry({ sampleRatio: 0 });
    expect(await call('00')).toBe(`${traceId} 0`);
    expect(collected.spans).toEqual([]);
    expect(await call('01')).toBe(`${traceId} 1`);
    expect((await collected.named('Clock/now')).map(({ kind }) => kind)).toEqual([SpanKind.SERVER]);
  });

  it('with `sampleRatio` is most of many, but not every one', async () => {
    collected = new Collected();
    disable = enableTelemetry({ sampleRatio: 0.5 });
    for (let i = 0; i < 50; i++) await clock.now();
    // Two spans of each sampled call. 50 of the same kind in a row are a miracle.
    expect(collected.spans.length).toBeGreaterThan(0);
    expect(collected.spans.length).toBeLessThan(100);
  });
});
