import { defaultIpcLimits, IpcServer, RpcDispatcher, serveMessagePort } from '@linnet/common';
import { RPC_CHANNEL, RpcOverIpc } from '@linnet/common/internal';
import { HouseRpc } from './house.rpc.mjs';

/** A backend in a page's worker, without Nest. */
export function serve(port) {
  const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 10_000 });
  const methods = {
    echo: ({ arguments: args }) => args,
    never: () => new Promise(() => undefined),
    tell: ({ arguments: [news] }) => server.sessions[0].send('news', news),
    ask: ({ arguments: [question] }) => server.sessions[0].invoke('page', question),
    async fail() {
      queueMicrotask(() => {
        throw new Error('This harms nobody.');
      });
    },
  };
  server.channels.register('house', { name: 'House', methods: new Map(Object.entries(methods)) });
  const dispatcher = new RpcDispatcher({ waitingCalls: 0 });
  dispatcher.register(HouseRpc, {
    name: 'House',
    handlerOf:
      () =>
      ({ arguments: [bytes], activity }) => ({ weight: bytes.length, activityId: activity.activityId }),
  });
  const rpc = new RpcOverIpc(dispatcher, { maxArguments: 10 });
  server.channels.handle(RPC_CHANNEL, (event, method, request) => rpc.answer(event, method, request));
  serveMessagePort(server, port);
}
