// Opens the inspector of a server, as its page does.
import { IpcFrontend, ipcChannel } from '../dist/node_modules/@linnet/common/dist/index.js';
import { webSocketIpc } from '../dist/node_modules/@linnet/frontend/dist/index.js';

/** Does what the page does in the most expensive view of each kind. @returns a function that ends it */
export async function openInspector(port) {
  const channel = ipcChannel('linnet.inspector', {
    methods: { watch: { stream: true }, tail: { stream: true } },
  });
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/inspector/ipc`), {
    reconnect: false,
  });
  const inspector = frontend.makeIpcProxy(channel);
  await frontend.ready;
  const sessions = { search: '', order: 'running', descending: true, offset: 0, limit: 50 };
  void (async () => {
    for await (const _overview of inspector.watch())
      await Promise.all([inspector.calls(''), inspector.sessions(sessions)]);
  })().catch(() => undefined);
  void (async () => {
    for await (const _batch of inspector.tail(''));
  })().catch(() => undefined);
  return async () => {
    frontend.close();
    // The server notices it.
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
}
