// A client of the application, from the packages alone, in a process of its own: `node client.js <port>`.
import assert from 'node:assert/strict';
import { createRpcClient, IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { Calculator, counterChannel } from './calculator.js';
import type { Counter } from './calculator.js';

async function callEverything(port: string): Promise<void> {
  const authorization = 'Bearer of-packages';
  const options = { uriPrefix: `http://127.0.0.1:${port}`, interfaces: [Calculator] };
  const rpc = createRpcClient({ ...options, authorization });
  await rpc.ready();
  const calculator = rpc.client(Calculator);
  assert.equal(await calculator.add(1, 2), 3);
  assert.deepEqual(await calculator.halves(Uint8Array.of(2, 4, 6)), Uint8Array.of(1, 2, 3));
  const stranger = createRpcClient(options).client(Calculator);
  await assert.rejects(stranger.halves(Uint8Array.of(2)), { status: 403 });

  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
  const news: unknown[] = [];
  frontend.addListener(counterChannel, (_event, method, value) => void news.push([method, value]));
  const counter = frontend.makeIpcProxy<Counter>(counterChannel);
  assert.equal(await counter.countTo(3), 'counted to 3');
  assert.deepEqual(news, [
    ['counted', 1],
    ['counted', 2],
    ['counted', 3],
  ]);
  frontend.close();
}

void callEverything(process.argv[2]!);
