import { createRpcClient, IpcFrontend, rpcOverIpc, webSocketIpc } from '@linnet/frontend';

// A page that does all that needs an id or a platform's API, whatever context it is in.

class Shelf {
  static interfaceName = 'Shelf';
  static interfaceVersion = '1.0.0';
  static operations = { add: {}, weigh: {}, fail: {}, wait: {} };
}

const backend = new URLSearchParams(location.search).get('backend');

/** The outcome of a call, as text. */
const outcome = (call) => call.then(String, (error) => `${error.name}: ${error.message}`);

window.page = {
  async exchange() {
    const server = createRpcClient({ uriPrefix: `http://${backend}`, interfaces: [Shelf] });
    const shelf = server.client(Shelf);
    const frontend = new IpcFrontend(webSocketIpc(`ws://${backend}/ipc`));
    const overIpc = createRpcClient({ transport: rpcOverIpc(frontend) }).client(Shelf);
    const shelfChannel = frontend.makeIpcProxy('shelf');
    const news = new Promise((resolve) => frontend.addListener('news', (_event, name) => resolve(name)));
    const leaving = new AbortController();
    const waiting = outcome(shelf.with({ signal: leaving.signal }).wait());
    leaving.abort(new Error('left'));
    const outcomes = {
      isSecureContext,
      hasRandomUuid: Boolean(globalThis.crypto?.randomUUID),
      ready: await outcome(server.ready()),
      rpc: await outcome(shelf.add(1, 2)),
      bytes: await outcome(shelf.weigh('box', Uint8Array.of(1, 2, 3))),
      onlyBytes: await outcome(shelf.with({ activityId: 'mine' }).weigh(new Uint8Array(5))),
      error: await outcome(shelf.fail()),
      aborted: await waiting,
      late: await outcome(shelf.with({ timeoutMs: 50 }).wait()),
      ipc: await outcome(shelfChannel.say('hello')),
      pushed: await outcome(news),
      rpcOverIpc: await outcome(overIpc.weigh('box', Uint8Array.of(1, 2))),
    };
    frontend.close();
    return outcomes;
  },
};
