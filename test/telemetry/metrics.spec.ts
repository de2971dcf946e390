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
import { closeIpcApps, startIpcApp } from '../harness/ipc.harness.js';
import type { IpcTestApp } from '../harness/ipc.harness.js';
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

  override async slow() {
    await gate.promise;
  }

  override async *query() {
    yield* [1, 2, 3];
  }
}

const driveChannel = ipcChannel<{ drive(): Promise<string> }, { moved(): void }>('drive-v1');

@IpcChannel(driveChannel)
class DriveHandler {
  async drive() {
    return 'driven';
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
    await frontend.makeIpcProxy<{ drive(): Promise<string> }>(driveChannel).drive();
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
