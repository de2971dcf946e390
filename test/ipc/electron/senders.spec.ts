import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { IpcFrontend, IpcSession } from '@linnet/common';
import type { ElectronHostOptions } from '@linnet/electron/main';
import { bridgeOf, Desktop, frontendURL, preload } from './desktop.harness.js';
import type { PageStandIn } from './page.stand-in.js';
import type { WindowStandIn } from './window.stand-in.js';
import { IpcHandler, IpcHost } from '@linnet/backend';
import { until } from '../../harness/waiting.js';

class Safe extends IpcHandler {
  static opened = 0;
  get channelName() {
    return 'safe';
  }
  async open() {
    return ++Safe.opened;
  }
  async look() {
    return 'closed';
  }
}

let desktop: Desktop;
let window: WindowStandIn;
let frontend: IpcFrontend;
let warned: jest.Spied<Logger['warn']>;

async function start(options: ElectronHostOptions = {}, webPreferences = {}): Promise<void> {
  desktop = await Desktop.start({ ipcHandlers: [Safe], ...options });
  ({ window, frontend } = await desktop.connect(webPreferences));
}

beforeEach(async () => {
  Safe.opened = 0;
  warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
  await start();
});
afterEach(async () => {
  // After each attempt the window's own page is served, and the process lives.
  expect(await frontend.callIpcChannel('safe', 'open')).toBe(1);
  await desktop.stop();
  expect(desktop.electron.errors).toEqual([]);
  jest.restoreAllMocks();
});

const warnings = () => warned.mock.calls.map(([message]) => String(message));

/** A renderer that was taken over speaks the wire by hand. @returns what it is answered */
async function speak(page: PageStandIn, ...frames: unknown[]): Promise<unknown[]> {
  const heard: unknown[] = [];
  page.ipcRenderer.on('linnet-ipc', (_event, message) => heard.push(message));
  for (const message of [['forged'], ['forged', [9]], ...frames])
    page.ipcRenderer.send('linnet-ipc', message);
  // Everything has come, and what is answered has, when the window's own page has asked as often.
  for (let i = 0; i < 25; i++) await frontend.callIpcChannel('safe', 'look');
  return heard;
}
const call = ['forged', [0, [2, 1, 'itwin.safe', 'open', [], 'a']]];

describe('a sender of messages', () => {
  it('is answered from the main frame of a window that was added', async () => {
    const other = await desktop.open();
    const heard = await speak(other.webContents.page, call);
    expect(heard).toContainEqual(['forged', [0, [3, 1, 'itwin.safe', { result: 1 }]]]);
    Safe.opened = 0;
  });

  const strangers: [string, string, () => PageStandIn | Promise<PageStandIn>][] = [
    [
      'another window, even with a page of the application',
      'ElectronHost was not given its window',
      async () => {
        const stranger = new desktop.electron.BrowserWindow({ webPreferences: { preload } });
        await stranger.loadURL(frontendURL);
        return stranger.webContents.page;
      },
    ],
    [
      'a frame within the page',
      'it is not the main frame',
      () => window.webContents.addFrame(`${frontendURL}frame.html`),
    ],
    [
      'a frame of another origin within the page',
      'https://ads.example/ is not a page of the application',
      () => window.webContents.addFrame('https://ads.example/'),
    ],
    ...[
      'https://evil.example/',
      'http://127.0.0.1:5173/elsewhere/',
      'http://127.0.0.1:5173@evil.example/app/',
      'http://127.0.0.1.evil.example:5173/app/',
      'http://127.0.0.1:51730/app/',
      'https://127.0.0.1:5173/app/',
      'http://127.0.0.1:5173/app/../elsewhere',
      'file:///etc/passwd',
      'data:text/html,hello',
      'blob:http://127.0.0.1:5173/app/1',
      'about:blank',
    ].map((url): [string, string, () => Promise<PageStandIn>] => [
      `the window, when it shows ${url}`,
      `${url} is not a page of the application`,
      async () => (await desktop.open(url)).webContents.page,
    ]),
  ];

  it.each(strangers)('is not answered from %s', async (_where, reason, open) => {
    const page = await open();
    const heard = await speak(page, call, call);
    expect(heard).toEqual([]);
    expect(Safe.opened).toBe(0);
    const ignored = warnings().filter((message) => message.endsWith(`are ignored: ${reason}.`));
    expect(ignored).toHaveLength(1);
  });

  it('is not answered from a sandboxed document or another origin, whatever its URL', async () => {
    for (const origin of ['null', 'http://127.0.0.1:80']) {
      const page = window.webContents.addFrame(`${frontendURL}frame.html`, origin);
      expect(await speak(page, call)).toEqual([]);
    }
    expect(warnings()).toEqual([expect.stringContaining('is not a page of the application')]);
  });

  it('cannot use the session of another page, and is ignored after its page was left', async () => {
    const { page } = window.webContents;
    const taken = bridgeOf(page);
    const names: unknown[] = [];
    taken.listen((message) => names.push((message as unknown[])[0]));
    await frontend.callIpcChannel('safe', 'open');
    const [name] = names;
    const stranger = await desktop.open();
    const heard = await speak(stranger.webContents.page, [name, [1, [2, 9, 'itwin.safe', 'open', [], 'a']]]);
    // It has a name of its own, and another's means nothing in its frame.
    expect(heard).toContainEqual([name, ['close', 4001, 'The session is not there any more.']]);
    expect(frontend.state).toBe('open');
    Safe.opened = 0;
    // A page that was left is not heard any more.
    window.webContents.reload();
    page.ipcRenderer.send('linnet-ipc', ['behind']);
    page.ipcRenderer.send('linnet-ipc', ['behind', [9]]);
    frontend = desktop.frontend(window.webContents.page);
    await frontend.ready;
    expect(warnings()).toEqual([]);
  });
});

describe('a hostile page of the application', () => {
  const hostile: [string, unknown[]][] = [
    ['undefined', [undefined]],
    ['a text', ['linnet']],
    ['an empty list', [[]]],
    ['invalid names of connections', [[1], [null, [9]], [{}], ['x'.repeat(1000)]]],
    ['a message before the client hello', [['a'], ['a', [0, [0, 'itwin.safe', []]]]]],
    ['invalid frames', [['a'], ['a', 1], ['a', null], ['a', undefined], ['a', new Map()]]],
    ['an ArrayBuffer', [['a'], ['a', [9]], ['a', [0, [0, 'itwin.safe', [new ArrayBuffer(8)]]]]]],
    ['a cycle', [['a'], ['a', cycle()]]],
    [
      'a member named __proto__',
      [['a'], ['a', [9]], ['a', [0, [0, 'itwin.safe', [JSON.parse('{"__proto__":1}')]]]]],
    ],
    ['an invalid close', [['a'], ['a', ['close', {}, []]]]],
    ['two client hellos', [['a'], ['a', [9]], ['a', [9]]]],
    [
      'a call of a method that does not exist',
      [['a'], ['a', [9]], ['a', [0, [2, 1, 'itwin.safe', 'constructor', [], 'a']]]],
    ],
  ];

  it.each(hostile)('harms no other session with %s', async (_name, messages) => {
    const other = await desktop.open();
    await speak(other.webContents.page, ...messages);
    expect(Safe.opened).toBe(0);
  });

  it('has one session at a time, however often it connects', async () => {
    const other = await desktop.open();
    const { ipcRenderer } = other.webContents.page;
    for (let i = 0; i < 500; i++) {
      ipcRenderer.send('linnet-ipc', [`name ${i}`]);
      ipcRenderer.send('linnet-ipc', [`name ${i}`, [9]]);
    }
    const heard = await speak(other.webContents.page, call);
    const answer = JSON.stringify(['forged', [0, [3, 1, 'itwin.safe', { result: 1 }]]]);
    await until(() => heard.map((message) => JSON.stringify(message)).includes(answer));
    const ended = heard.filter((message) => ((message as unknown[])[1] as unknown[])[0] === 'close');
    expect(ended).toHaveLength(500);
    Safe.opened = 0;
  });

  it('causes at most ten warnings, however often it breaks the rules', async () => {
    const other = await desktop.open();
    for (let i = 0; i < 30; i++) {
      await other.loadURL(`https://evil.example/${i}`);
      await speak(other.webContents.page);
    }
    expect(warnings()).toHaveLength(10);
  });
});

function cycle(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

describe('the rules for senders', () => {
  const restart = async (options: ElectronHostOptions) => {
    await desktop.stop();
    await start(options);
  };

  it('accept further pages, folders and files', async () => {
    await restart({ pages: ['https://app.example/desk/', 'file:///opt/app/help.html'] });
    const answered = async (url: string) =>
      (await speak((await desktop.open(url)).webContents.page, call)).length > 0;
    expect(await answered('https://app.example/desk/a/b.html?c#d')).toBe(true);
    expect(await answered('file:///opt/app/help.html#top')).toBe(true);
    expect(await answered('file:///opt/app/help.html.txt')).toBe(false);
    expect(await answered('https://app.example/')).toBe(false);
    Safe.opened = 0;
  });

  it('accept senders that allow() accepts, and no page of another site', async () => {
    const asked: string[] = [];
    await restart({
      allow: ({ sender, senderFrame }) => {
        asked.push(senderFrame!.url);
        return senderFrame!.parent !== null && sender.id === window.webContents.id;
      },
    });
    const frame = window.webContents.addFrame(`${frontendURL}frame.html`);
    expect(await speak(frame, call)).toContainEqual(['forged', [0, [3, 1, 'itwin.safe', { result: 1 }]]]);
    expect(await speak(window.webContents.addFrame('https://ads.example/'), call)).toEqual([]);
    expect(new Set(asked)).toEqual(new Set([`${frontendURL}frame.html`]));
    Safe.opened = 0;
  });

  it.each<[string, unknown]>([
    ['a promise', Promise.resolve(false)],
    ['undefined', undefined],
    ['a text', 'no'],
  ])('accept no sender when allow() returns %s', async (_what, verdict) => {
    await restart({ allow: () => verdict as boolean });
    const heard = await speak(window.webContents.addFrame(`${frontendURL}frame.html`), call);
    expect(heard).toEqual([]);
  });

  describe('for a frame that allow() accepts', () => {
    let frame: PageStandIn;
    let session: IpcSession;
    let guest: IpcFrontend;
    const leaked: unknown[] = [];
    beforeEach(async () => {
      leaked.length = 0;
      await desktop.stop();
      await start({ allow: () => true }, { nodeIntegrationInSubFrames: true });
      frame = window.webContents.addFrame(`${frontendURL}frame.html`);
      guest = desktop.frontend(frame, { reconnect: false });
      await guest.ready;
      session = IpcHost.sessions.at(-1)!;
    });
    afterEach(async () => {
      // The page around it goes on.
      expect(IpcHost.sessions).toHaveLength(1);
      expect(leaked).toEqual([]);
    });
    const listen = (page: PageStandIn) => page.ipcRenderer.on('linnet-ipc', (...args) => leaked.push(args));

    it('end its session when it shows a page of another origin, which receives nothing', async () => {
      listen(window.webContents.navigateFrame(frame, 'https://ads.example/'));
      expect(await session.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
      await session.send('news', 'secret').catch(() => undefined);
      // The earlier messages have arrived when this one is answered.
      expect(await frontend.callIpcChannel('safe', 'open')).toBe(1);
      Safe.opened = 0;
    });

    it('end its session with the next message when the event of the other page comes later', async () => {
      window.webContents.removeAllListeners('did-frame-navigate');
      listen(window.webContents.navigateFrame(frame, 'https://ads.example/'));
      await session.send('news').catch(() => undefined);
      expect(await session.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
    });

    it('end its session when it shows another page of the application, and keep those of other frames', async () => {
      const other = desktop.frontend(window.webContents.addFrame(`${frontendURL}frame.html`));
      await other.ready;
      const [, , last] = IpcHost.sessions;
      window.webContents.navigateFrame(frame, `${frontendURL}other.html`);
      expect(await session.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
      expect(IpcHost.sessions).toContain(last);
      other.close();
      await last!.closed;
    });

    it('end its session when it cannot load its next page', async () => {
      window.webContents.failFrame(frame, `${frontendURL}other.html`);
      expect(await session.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
    });

    it('end its session with the next message when it was removed', async () => {
      window.webContents.removeFrame(frame);
      await session.send('news').catch(() => undefined);
      expect(await session.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
    });

    it('end its session when it was removed and another frame connects', async () => {
      window.webContents.removeFrame(frame);
      const other = window.webContents.addFrame(`${frontendURL}frame.html`);
      const next = desktop.frontend(other);
      await next.ready;
      expect(await session.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
      const [, last] = IpcHost.sessions;
      next.close();
      await last!.closed;
    });
  });

  it('accept no sender when allow() throws', async () => {
    await restart({
      allow: () => {
        throw new Error('no idea');
      },
    });
    expect(await speak(window.webContents.addFrame(frontendURL), call)).toEqual([]);
    expect(warnings()).toContainEqual(expect.stringContaining('no idea'));
  });
});
