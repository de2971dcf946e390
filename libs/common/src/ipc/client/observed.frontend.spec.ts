import { afterEach, describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import { observe } from '../../base/observer.js';
import { IpcServer } from '../server/server.js';
import { memoryIpc } from '../transport/memory.js';
import { IpcFrontend } from './frontend.js';

let stop: () => void = () => undefined;
afterEach(() => stop());

describe('an observer of a frontend', () => {
  it('sees notifications on the channels that the application listens to, and no other names', async () => {
    const names: string[] = [];
    stop = observe({
      call({ side, kind, name }) {
        if (side === 'server' && kind === 'notification') names.push(name);
        const watch = { trace: undefined, run: <T>(work: () => T) => work(), step() {}, end() {} };
        return watch;
      },
    });
    const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 0 });
    const frontend = new IpcFrontend(memoryIpc(server), { reconnect: false });
    await frontend.ready;
    const heard = new Promise((resolve) => frontend.addListener('news', (_event, text) => resolve(text)));
    const [session] = server.sessions;
    await session!.send('made-up', 1);
    await session!.send('news', 'hello');
    expect(await heard).toBe('hello');
    expect(names).toEqual(['news']);
    frontend.close();
    await server.close(0);
  });
});
