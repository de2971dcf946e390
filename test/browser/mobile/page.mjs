import { IpcApp, webSocketIpc } from '@linnet/frontend';

// The page in the web view of a mobile app. The backend is elsewhere and gives a ticket before each connection.

const backend = new URLSearchParams(location.search).get('backend');

async function address() {
  const answer = await fetch(`http://${backend}/ipc-ticket`, { method: 'POST' });
  return `ws://${backend}/ipc?ticket=${await answer.text()}`;
}

const states = [];
const news = [];
const outcomes = {};

window.app = {
  states,
  news,
  outcomes,
  async start() {
    // Longer than any test: what connects again earlier was told to.
    await IpcApp.startup(webSocketIpc(address), { reconnectMs: [600_000, 600_000] });
    states.push('open');
    IpcApp.frontend.onStateChange((state, closure) =>
      states.push(closure ? `${state}: ${closure.reason}` : state),
    );
    IpcApp.addListener('news', (_event, number) => news.push(number));
  },
  /** Calls, and keeps what comes of it. */
  call(name, method, ...args) {
    IpcApp.callIpcChannel('phone', method, ...args).then(
      (result) => (outcomes[name] = result),
      (error) => (outcomes[name] = error.name),
    );
  },
  count: () => IpcApp.callIpcChannel('phone', 'count'),
  /** The visibility of a web view when the app goes to the background, or comes back. */
  show(visibilityState) {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: visibilityState });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  },
};
