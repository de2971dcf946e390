import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcHost } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { FaultProxy } from '../../client/fault.proxy.js';
import { until } from '../../../harness/waiting.js';

describe('the changes of sessions', () => {
  afterEach(closeIpcApps);

  it('are reported to listeners of the host until they are removed', async () => {
    const app = await startIpcApp();
    const proxy = await new FaultProxy(app.port).listen();
    const seen: string[] = [];
    const add = (name: string, host: Pick<IpcHost, 'onSession'>) =>
      host.onSession((change) => {
        const code = 'closure' in change ? ` ${change.closure.code}` : '';
        seen.push(`${name} ${change.type}${code} ${app.host.sessions.includes(change.session)}`);
      });
    const remove = add('first', app.host);
    add('second', IpcHost);
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`), {
      reconnectMs: [1, 5],
    });
    await frontend.ready;
    expect(seen.splice(0)).toEqual(['first begun true', 'second begun true']);
    remove();
    proxy.refuses = true;
    await until(() => seen.length === 1);
    proxy.refuses = false;
    await until(() => frontend.state === 'open');
    frontend.close();
    await until(() => seen.length === 3);
    expect(seen).toEqual(['second interrupted true', 'second resumed true', 'second ended 1000 false']);
    proxy.close();
  });

  it('are reported on the compatible wire, and whatever a listener throws', async () => {
    const app = await startIpcApp();
    app.host.onSession(() => {
      throw new Error('one listener');
    });
    app.host.onSession(async () => {
      throw new Error('another listener');
    });
    const seen: string[] = [];
    app.host.onSession(({ type }) => seen.push(type));
    const session = await app.connect();
    await session.raw.close();
    await until(() => seen.length === 2);
    expect(seen).toEqual(['begun', 'ended']);
    await until(() => app.log.find('error', 'another listener').length === 2);
    expect(app.log.find('error', 'one listener')).toHaveLength(2);
  });
});
