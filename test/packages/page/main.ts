// A page from the packages alone. Its title is the result; its address has the port of the backend.
import { createRpcClient, IpcApp, webSocketIpc } from '@linnet/frontend';
import { Calculator, counterChannel } from '../application/calculator.js';
import type { Counter } from '../application/calculator.js';

async function call(port: string): Promise<string> {
  const rpc = createRpcClient({ uriPrefix: `http://127.0.0.1:${port}` });
  const sum = await rpc.client(Calculator).add(1, 2);
  await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
  const counted = await IpcApp.makeIpcProxy<Counter>(counterChannel).countTo(2);
  IpcApp.shutdown();
  return `${sum}, ${counted}`;
}

const port = new URL(location.href).searchParams.get('port')!;
call(port).then(
  (title) => (document.title = title),
  (error: unknown) => (document.title = String(error)),
);
