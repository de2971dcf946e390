import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcChannel } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { settled, until } from '../../harness/waiting.js';
import { FaultProxy } from './fault.proxy.js';

@IpcChannel('here')
class Here {
  async say() {
    return 'here';
  }
}

/** The global object of a page, as far as it describes the page. */
class PageStandIn extends EventTarget {
  readonly listening = new Map<string, number>();
  override addEventListener(type: string, listener: () => void): void {
    this.listening.set(type, (this.listening.get(type) ?? 0) + 1);
    super.addEventListener(type, listener);
  }
  override removeEventListener(type: string, listener: () => void): void {
    this.listening.set(type, this.listening.get(type)! - 1);
    super.removeEventListener(type, listener);
  }
}

const global = globalThis as Record<string, unknown>;
let page: PageStandIn;
let proxy: FaultProxy;
const frontends: IpcFrontend[] = [];
beforeEach(async () => {
  page = new PageStandIn();
  global['addEventListener'] = page.addEventListener.bind(page);
  global['removeEventListener'] = page.removeEventListener.bind(page);
  const { port } = await startIpcApp({ providers: [Here] });
  proxy = await new FaultProxy(port).listen();
});
afterEach(async () => {
  for (const frontend of frontends.splice(0)) frontend.close();
  proxy.close();
  await closeIpcApps();
  delete global['addEventListener'];
  delete global['removeEventListener'];
  delete global['document'];
});

/** One that would not connect again by itself for as long as a test takes. */
function patient() {
  const connector = webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`);
  const frontend = new IpcFrontend(connector, { reconnectMs: [600_000, 600_000] });
  frontends.push(frontend);
  return frontend;
}

describe.each(['online', 'visibilitychange'])('the event %s of a page', (hint) => {
  it('resumes an interrupted session at once', async () => {
    const frontend = patient();
    await frontend.ready;
    proxy.cut();
    await until(() => frontend.state === 'interrupted');
    const call = frontend.callIpcChannel('here', 'say');
    page.dispatchEvent(new Event(hint));
    expect(await call).toBe('here');
    expect(frontend.state).toBe('open');
  });

  it('begins at once a session that could not begin, and no second one', async () => {
    proxy.refuses = true;
    const frontend = patient();
    await until(() => proxy.refused > 0);
    proxy.refuses = false;
    // The connection is over here a moment after it is over there.
    await until(() => {
      page.dispatchEvent(new Event(hint));
      return frontend.state === 'open';
    });
    expect(proxy.taken).toBe(1);
    page.dispatchEvent(new Event(hint));
    expect(await frontend.callIpcChannel('here', 'say')).toBe('here');
    expect(proxy.taken).toBe(1);
  });

  it('does nothing for a closed frontend, which no longer listens to it', async () => {
    const frontend = patient();
    await frontend.ready;
    expect(page.listening.get(hint)).toBe(1);
    frontend.close();
    expect(page.listening.get(hint)).toBe(0);
    page.dispatchEvent(new Event(hint));
    expect(frontend.state).toBe('closed');
  });
});

it('a hidden page reconnects only when it becomes visible', async () => {
  const frontend = patient();
  await frontend.ready;
  proxy.cut();
  await until(() => frontend.state === 'interrupted');
  const { taken } = proxy;
  global['document'] = { visibilityState: 'hidden' };
  page.dispatchEvent(new Event('visibilitychange'));
  await settled();
  expect([frontend.state, proxy.taken]).toEqual(['interrupted', taken]);
  global['document'] = { visibilityState: 'visible' };
  page.dispatchEvent(new Event('visibilitychange'));
  expect(await frontend.callIpcChannel('here', 'say')).toBe('here');
  expect(proxy.taken).toBe(taken + 1);
});

it('a frontend outside of a page listens to no events of pages', async () => {
  delete global['removeEventListener'];
  const frontend = patient();
  await frontend.ready;
  frontend.close();
  expect(page.listening.size).toBe(0);
});
