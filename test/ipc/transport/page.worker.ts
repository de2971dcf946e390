import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { createRpcClient, IpcFrontend, messagePortIpc, rpcOverIpc } from '@linnet/common';
import { ShelfRpc } from './shelf.module.js';

// A frontend in a thread of its own: of whoever has started it, or of who has the other end of a channel.

const frontend = new IpcFrontend(messagePortIpc((workerData as MessagePort | null) ?? parentPort!));
const shelf = createRpcClient({ transport: rpcOverIpc(frontend) }).client(ShelfRpc);

frontend.handle('page', async (question: string) => ({
  question,
  count: await frontend.callIpcChannel('shelf', 'count'),
  weighed: await shelf.with({ activityId: 'of the page' }).weigh('top', Uint8Array.of(1)),
}));

const port = parentPort!;
if (workerData) port.postMessage(await frontend.callIpcChannel('shelf', 'ask', 'Who?'));
