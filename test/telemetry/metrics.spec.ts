import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { IpcChannel, RpcInterface } from '@linnet/backend';
import { createRpcClient, IpcFrontend, ipcChannel, RpcPendingResponse } from '@linnet/common';
import { enableTelemetry } from '@linnet/common/telemetry';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, openFrontend, startIpcApp } from '../harness/ipc.harness.js';
import type { IpcTestApp } from '../harness/ipc.harness.js';
import { Gate } from '../browser/gate.js';
import { settled, until } from '../harness/waiting.js';
import { deferred } from '../../libs/common/src/base/deferred.js';

abstract class Tiles extends RpcInterface {
  static readonly interfaceName = 'Tiles';
  static interfaceVersion = '1.0.0';
  static readonly operations = { slow: { concurrency: 1 }, query: { stream: true } } as const;
  async count(): Promise<number> {
    return this.forward(arguments);
  }
  async fail(_errorNumber: number): Promise<void> {
    return this.forward(arguments);
  }
  async later(): Promise<string> {
    return this.forward(arguments);
  }
  async slow(): Promise<void> {
    return this.forward(arguments);
  }
  async echo(_text: string): Promise<string> {
    return this.forward(arguments);
  }
  query(): AsyncIterable<number> {
    return this.forward(arguments) as never;
  }
}

let asked = 0;
const gate = deferred();

@RpcInterface(Tiles)
class TilesImpl extends Tiles {
  override async count() {
    return 1;
  }

  override async fail(errorNumber: number) {
    throw Object.assign(new Error('no'), { errorNumber });
  }

  override async later() {
    if (asked++ === 0) throw new RpcPendingResponse('wait');
    return 'done';
  }

  override async echo(text: string) {
    return text;
  }

  override async slow() {
    await gate.promise;
  }

  override async *query() {
    yield* [1, 2, 3];
  }
}

interface Drive {
  drive(): Promise<string>;
  tiles(): AsyncIterable<Uint8Array>;
}
const driveChannel = ipcChannel<Drive, { moved(): void }>('drive-v1', {
  methods: { drive: {}, tiles: { stream: true } },
});

@IpcChannel(driveChannel)
class DriveHandler {
  async drive() {
    return 'driven';
  }

  async *tiles() {
    for (;;) yield new Uint8Array(16 * 1024);
  }
}

const delay = monitorEventLoopDelay();
const exporter = new PrometheusExporter({ preventServerStart: true });
const provider = new MeterProvider({ readers: [exporter] });
let disable: () => void;
let app: IpcTestApp;
let url: string;
let scraped: Server;

beforeAll(async () => {
  delay.enable();
  disable = enableTelemetry({ meterProvider: provider, eventLoopDelay: delay });
  app = await startIpcApp({ rpc: {}, providers: [TilesImpl, DriveHandler] });
  url = `http://127.0.0.1:${app.port}`;
  scraped = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise<void>((resolve) => scraped.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await closeIpcApps();
  disable();
  delay.disable();
  scraped.close();
  await provider.shutdown();
});

/** The samples whose name and labels have these texts, as Prometheus reads them. */
async function samples(...texts: string[]): Promise<string[]> {
  const { port } = scraped.address() as AddressInfo;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#') && texts.every((each) => line.includes(each)));
}

/** The value of the only sample with these texts. */
async function valueOf(...texts: string[]): Promise<number> {
  const found = await samples(...texts);
  expect(found).toHaveLength(1);
  return Number(found[0]!.split(' ').at(-1));
}

const client = () => createRpcClient({ uriPrefix: url, pendingIntervalMs: 1 }).client(Tiles);

describe('Prometheus reads', () => {
  it('the duration of calls at both ends, by operation and error', async () => {
    await client().count();
    await expect(client().fail(65605)).rejects.toThrow('no');
    for (const side of ['client', 'server']) {
      const count = `rpc_${side}_call_duration_count`;
      expect(await valueOf(count, 'rpc_method="Tiles/count"')).toBe(1);
      expect(await valueOf(count, 'rpc_method="Tiles/fail"', 'error_type="65605"')).toBe(1);
    }
  });

  it('repetitions, waiting calls and the items of streams', async () => {
    asked = 0;
    await client().later();
    const both = Promise.all([client().slow(), client().slow()]);
    await settled();
    gate.resolve();
    await both;
    for await (const _item of client().query());
    expect(await valueOf('linnet_call_repetitions', 'Tiles/later', 'pending')).toBe(1);
    expect(await valueOf('linnet_call_wait_duration_count', 'Tiles/slow')).toBe(1);
    expect(await valueOf('linnet_calls_waiting')).toBe(0);
    expect(await valueOf('linnet_stream_items', 'side="server"')).toBe(3);
    expect(await valueOf('linnet_stream_items', 'side="client"')).toBe(3);
  });

  it('calls in flight, which are none when all have ended', async () => {
    expect((await samples('linnet_calls_active')).map((line) => line.split(' ').at(-1))).toEqual(['0', '0']);
  });

  it('sessions by state, their frames and their bytes', async () => {
    const frontend = new IpcFrontend(webSocketIpc(`${url.replace('http', 'ws')}/ipc`));
    await frontend.ready;
    await frontend.makeIpcProxy<Drive>(driveChannel).drive();
    expect(await valueOf('linnet_sessions{', 'side="server"', 'state="connected"')).toBe(1);
    for (const direction of ['in', 'out']) {
      expect(await valueOf('linnet_ipc_frames', `direction="${direction}"`)).toBeGreaterThanOrEqual(2);
      expect(await valueOf('linnet_ipc_io', `direction="${direction}"`)).toBeGreaterThan(50);
    }
    frontend.close();
    await until(async () => (await valueOf('linnet_sessions{', 'side="server"', 'connected')) === 0);
  });

  it('messages without an answer', async () => {
    void app.host.notifications(driveChannel).moved();
    expect(await valueOf('linnet_notifications', 'drive-v1', 'direction="out"')).toBe(1);
  });

  it('bytes of bodies over HTTP each way, and how far replies were compressed', async () => {
    const bytes = async () => {
      const found = await Promise.all(
        ['in', 'out'].map((direction) => samples('linnet_http_io', `direction="${direction}"`)),
      );
      return found.map(([line]) => Number(line?.split(' ').at(-1) ?? 0));
    };
    const before = await bytes();
    const body = JSON.stringify(['x'.repeat(5000)]);
    const plain = await app.send({ target: '/Tiles-1.0.0-echo', body });
    expect(plain.status).toBe(200);
    const after = await bytes();
    expect([after[0]! - before[0]!, after[1]! - before[1]!]).toEqual([body.length, plain.text.length]);
    const headers = { 'Accept-Encoding': 'gzip' };
    await app.send({ target: '/Tiles-1.0.0-echo', body, headers });
    // The same text again and again becomes a small part of it.
    expect((await bytes())[1]! - after[1]!).toBeLessThan(200);
    expect(await valueOf('linnet_http_compression_ratio_count')).toBeGreaterThanOrEqual(1);
    expect(await valueOf('linnet_http_compression_ratio_bucket', 'le="0.05"')).toBeGreaterThanOrEqual(1);
  });

  it('how full the windows of streams are, and how often one was full', async () => {
    const frontend = await openFrontend(url);
    const tiles = frontend.makeIpcProxy<Drive>(driveChannel).tiles()[Symbol.asyncIterator]();
    await tiles.next();
    // The reader takes no more, so that the producer stops with a full window.
    await until(async () => (await samples('linnet_stream_full_windows')).length === 1);
    expect(await valueOf('linnet_stream_unread')).toBeGreaterThan(100_000);
    await tiles.return!();
    await until(async () => (await valueOf('linnet_stream_unread')) === 0);
    frontend.close();
  });

  it('sessions that have resumed, and those that are away', async () => {
    const gate = new Gate();
    const at = await gate.listen();
    gate.target = app.port;
    const frontend = new IpcFrontend(webSocketIpc(`${at.replace('http', 'ws')}/ipc`), {
      reconnectMs: [1, 5],
    });
    await frontend.ready;
    gate.shut();
    // The sample comes with the first session that is away.
    await until(async () => (await samples('linnet_sessions{', 'server', 'away'))[0]?.endsWith(' 1'));
    gate.open();
    await until(async () => (await samples('linnet_session_resumes', 'side="server"')).length === 1);
    await until(async () => (await samples('linnet_session_resumes', 'side="client"')).length === 1);
    expect(await valueOf('linnet_session_resumes', 'side="server"')).toBe(1);
    expect(await valueOf('linnet_sessions{', 'side="server"', 'state="away"')).toBe(0);
    frontend.close();
    gate.close();
  });

  it('refusals by their reason', async () => {
    await app.refused({ path: '/ipc', headers: { origin: 'https://elsewhere.example' } });
    expect(await valueOf('linnet_refusals', 'upgrade 403')).toBe(1);
    const { status } = await app.send({ target: '/Tiles-1.0.0-count', headers: { 'X-Correlation-ID': '' } });
    expect(status).toBe(400);
    expect(await valueOf('linnet_refusals', 'http 400')).toBe(1);
  });

  it('the delay of the event loop', async () => {
    await until(async () => (await samples('nodejs_eventloop_delay_p99')).length === 1);
  });
});

describe('a peer cannot create a label', () => {
  it('by the names in its requests', async () => {
    const frontend = new IpcFrontend(webSocketIpc(`${url.replace('http', 'ws')}/ipc`));
    await frontend.ready;
    const before = await samples('server');
    for (let i = 0; i < 50; i++) {
      await app.send({ target: `/Tiles-1.0.0-evil${i}`, body: '[]' });
      await app.send({ target: `/Evil${i}-1.0.0-count`, body: '[]' });
      await app.send({ target: `/Tiles-${i}.0.0-count`, body: '[]' });
      await app.send({
        method: 'POST',
        target: `/evil${i}`,
        body: '[]',
        headers: { 'X-Correlation-ID': '' },
      });
      frontend.send(`evil-notice-${i}`, 1);
      await expect(frontend.callIpcChannel(`evil-channel-${i}`, 'x')).rejects.toThrow('No handler');
      await expect(frontend.callIpcChannel(driveChannel, `evil-method-${i}`)).rejects.toThrow('not found');
    }
    const found = await samples('server');
    expect(found.filter((line) => line.includes('evil'))).toEqual([]);
    // Durations have a line for each bucket of a name: none was added.
    expect(found.filter((line) => line.includes('duration'))).toHaveLength(
      before.filter((line) => line.includes('duration')).length,
    );
    expect(await valueOf('linnet_refusals', 'ipc call')).toBe(100);
    frontend.close();
  });

  it('by the numbers of errors', async () => {
    for (let i = 0; i < 20; i++) await expect(client().fail(900_000 + i)).rejects.toThrow('no');
    const types = await samples('rpc_client_call_duration_count', 'Tiles/fail', 'error_type=');
    expect(types.filter((line) => line.includes('9000'))).toEqual([]);
  });
});
