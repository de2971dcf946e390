import { createRpcClient, IpcFrontend, messagePortIpc, rpcOverIpc } from '@linnet/common';
import { HouseRpc } from './house.rpc.mjs';

// Actions that the test starts in the page. Bundlers must be able to read each worker's address.

const workers = {
  house: () => new Worker(new URL('./house.worker.mjs', import.meta.url), { type: 'module' }),
  channel: () => new Worker(new URL('./channel.worker.mjs', import.meta.url), { type: 'module' }),
  falling: () => new Worker(new URL('./falling.worker.mjs', import.meta.url), { type: 'module' }),
  missing: () => new Worker('/missing.js'),
};

let worker;
let port;
let frontend;

const nameOf = (view) => [view.constructor.name, ...view];

window.page = {
  connect(kind) {
    worker = workers[kind]();
    port = worker;
    if (kind === 'channel') {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage('serve', [port2]);
      port = port1;
    }
    frontend = new IpcFrontend(messagePortIpc(port), { heartbeatMs: 200 });
  },
  ready: () => frontend.ready.then(() => 'ready', String),
  async exchange() {
    const told = new Promise((resolve) => frontend.addListener('news', (_event, news) => resolve(news)));
    frontend.handle('page', (question) => `${question} Me.`);
    const [{ list }] = await frontend.callIpcChannel('house', 'echo', {
      list: [Float64Array.of(1.5)],
      f() {},
    });
    await frontend.callIpcChannel('house', 'tell', Int8Array.of(-1));
    const house = createRpcClient({ transport: rpcOverIpc(frontend) }).client(HouseRpc);
    return {
      list: nameOf(list[0]),
      told: nameOf(await told),
      asked: await frontend.callIpcChannel('house', 'ask', 'Who?'),
      weighed: await house.with({ activityId: 'click' }).weigh(new Uint8Array(100_000)),
    };
  },
  /** An error in the worker that its calls know nothing of; then a call. */
  async fail() {
    const heard = new Promise((resolve) => worker.addEventListener('error', resolve, { once: true }));
    await frontend.callIpcChannel('house', 'fail');
    await heard;
    return frontend.callIpcChannel('house', 'echo', 1);
  },
  /** Ends the worker, or the port, under a call. */
  async end(what) {
    const call = frontend.callIpcChannel('house', 'never').catch(({ closure }) => closure);
    if (what === 'worker') worker.terminate();
    else port.close();
    return [await call, frontend.state];
  },
};
