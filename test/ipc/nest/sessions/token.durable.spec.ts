import { once } from 'node:events';
import { WebSocket } from 'ws';
import { CurrentActivity, IpcChannel, IpcSession, RpcInterface } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { FaultProxy } from '../../client/fault.proxy.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { gate, until } from '../../../harness/waiting.js';

abstract class Tokens {
  static readonly interfaceName = 'Tokens';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = ['ofCall'] as const;
  abstract ofCall(): Promise<string>;
}

@RpcInterface(Tokens)
class TokensImpl {
  async ofCall(@CurrentActivity() activity?: Activity) {
    return activity!.accessToken;
  }
}

/** Holds the calls of `later`. */
const held = gate();

@IpcChannel('tokens')
class TokensHandler {
  constructor(private readonly session: IpcSession) {}
  async here(@CurrentActivity() activity?: Activity) {
    return { activity: activity!.accessToken, session: this.session.accessToken };
  }
  async later(@CurrentActivity() activity?: Activity) {
    await held.opened;
    return { activity: activity!.accessToken, session: this.session.accessToken };
  }
}

const cleanups: (() => void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) clean();
  await closeIpcApps();
});

/** An application that takes `?user=…&token=…` for what they say, and no token of `revoked`. */
async function start() {
  const app = await startIpcApp({
    ipc: {
      authorize: ({ url }) => {
        const query = new URL(url!, 'http://here').searchParams;
        const accessToken = query.get('token') ?? undefined;
        return accessToken !== 'revoked' && { user: { name: query.get('user') }, accessToken };
      },
    },
    rpc: {},
    providers: [TokensHandler, TokensImpl],
  });
  const proxy = await new FaultProxy(app.port).listen();
  cleanups.push(() => proxy.close());
  const credentials = { token: 'first' };
  const connector = webSocketIpc(
    () => `ws://127.0.0.1:${proxy.port}/ipc?user=ann&token=${credentials.token}`,
  );
  const frontend = new IpcFrontend(connector, { reconnectMs: [5, 20] });
  cleanups.push(() => frontend.close());
  await frontend.ready;
  const tokens = frontend.makeIpcProxy<any>('tokens') as any;
  return { app, proxy, credentials, frontend, tokens, session: await app.session() };
}

it('a resumed session and its calls have the access token of the new connection', async () => {
  const { proxy, credentials, frontend, tokens, session } = await start();
  expect(await tokens.here()).toEqual({ activity: 'first', session: 'first' });
  const { user } = session;
  const before = tokens.later();
  await tokens.here();
  credentials.token = 'second';
  proxy.cut();
  expect(await tokens.here()).toEqual({ activity: 'second', session: 'second' });
  held.open();
  // A call that had begun goes on with what it was made with.
  expect(await before).toEqual({ activity: 'first', session: 'second' });
  const rpc = await frontend.callIpcChannel('itwinjs-core/rpc-over-ipc', 'request', {
    definition: { interfaceName: 'Tokens', interfaceVersion: '1.0.0' },
    operation: 'ofCall',
    parameters: [],
    context: { applicationId: 'a', applicationVersion: '1', id: 'i', sessionId: 's', protocolVersion: '2' },
  });
  expect(rpc).toBe('second');
  expect(session.user).toBe(user);
  expect(session.isOpen).toBe(true);
});

it('a refused connection, or one of another user, does not change the access token of the session', async () => {
  const { app, proxy, credentials, tokens, session, frontend } = await start();
  credentials.token = 'revoked';
  proxy.cut();
  const attempts = proxy.taken;
  await until(() => proxy.taken > attempts + 1);
  expect([frontend.state, session.accessToken]).toEqual(['interrupted', 'first']);
  const other = new WebSocket(`ws://127.0.0.1:${app.port}/ipc?user=eve&token=eves`, ['linnet.ipc.1']);
  cleanups.push(() => other.terminate());
  await once(other, 'open');
  other.send(JSON.stringify([9, session.id, 'a guess', 0]));
  expect((await once(other, 'close'))[0]).toBe(4001);
  expect(session.accessToken).toBe('first');
  credentials.token = 'third';
  expect(await tokens.here()).toEqual({ activity: 'third', session: 'third' });
});
