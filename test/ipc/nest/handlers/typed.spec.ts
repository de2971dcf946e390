import { IpcChannel, ipcChannel, IpcHandler, IpcHost, IpcMethod } from '@linnet/backend';
import type { IpcProxy } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';

interface RobotIpc {
  move(robot: string, by: number): Promise<number>;
  stop(): Promise<void>;
}
interface PageIpc {
  ask(question: string): Promise<string>;
}
const robotChannel = ipcChannel<RobotIpc>('robot-v1');
const pageChannel = ipcChannel<PageIpc>('page-v1');

afterEach(closeIpcApps);

// Code that must not compile is checked with the types, and never runs.
describe('a typed channel', () => {
  it('accepts a handler class that has its methods', async () => {
    @IpcChannel(robotChannel, { sequential: true })
    class RobotHandler {
      async move(_robot: string, by: number) {
        return by;
      }
      async stop() {}
      more() {}
    }
    @IpcChannel('untyped')
    class UntypedHandler {
      async anything() {}
    }
    @IpcChannel(pageChannel)
    class SelfNamedHandler extends IpcHandler {
      get channelName() {
        return pageChannel;
      }
      @IpcMethod()
      async ask(question: string) {
        return question;
      }
    }
    const { connect } = await startIpcApp({ providers: [RobotHandler, UntypedHandler, SelfNamedHandler] });
    const { ask } = await connect();
    expect(await ask('robot-v1.move', 'r', 3)).toEqual({ result: 3 });
    expect(await ask('page-v1.ask', 'who')).toEqual({ result: 'who' });
  });

  it('rejects at compile time a class that lacks a method, or has one with other parameters', () => {
    const never = () => {
      // @ts-expect-error -- it has no `stop`
      @IpcChannel(robotChannel)
      class Missing {
        async move(_robot: string, by: number) {
          return by;
        }
      }
      // @ts-expect-error -- `by` is a number
      @IpcChannel(robotChannel)
      class Different {
        async move(_robot: string, by: string) {
          return by.length;
        }
        async stop() {}
      }
      return [Missing, Different];
    };
    expect(never).toBeInstanceOf(Function);
  });

  it('gives its proxies their types', () => {
    const never = (host: IpcHost) => {
      const proxies: IpcProxy<PageIpc>[] = [
        host.makeIpcProxy(pageChannel),
        host.sessions[0]!.makeIpcProxy(pageChannel),
        IpcHost.makeIpcProxy(pageChannel),
      ];
      // @ts-expect-error -- no method of it
      void host.makeIpcProxy(pageChannel).tell('x');
      // @ts-expect-error -- no argument of it
      void host.sessions[0]!.makeIpcProxy(pageChannel).ask(7);
      // @ts-expect-error -- no result of it
      const wrong: Promise<number> = IpcHost.makeIpcProxy(pageChannel).ask('x');
      // By a name as before.
      void host.makeIpcProxy<PageIpc>('page-v1').ask('x');
      return [proxies, wrong];
    };
    expect(never).toBeInstanceOf(Function);
  });

  it('can be called by the host and by the static members of IpcHost', async () => {
    const { connect, host, session } = await startIpcApp();
    const { raw } = await connect();
    await session();
    const calls = [
      () => IpcHost.callIpcChannel(pageChannel, 'ask', 'one'),
      () => IpcHost.callIpcChannel('page-v1', 'ask', 'two'),
      () => IpcHost.makeIpcProxy(pageChannel).ask('three'),
      () => host.makeIpcProxy(pageChannel).ask('four'),
    ];
    for (const call of calls) {
      const answer = call();
      const { channel, data } = await raw.nextMessage();
      const [reply, method, question] = data as string[];
      expect([channel, method]).toEqual(['itwin.page-v1', 'ask']);
      raw.send(reply!, { result: `answer to ${question}` });
      expect(await answer).toBe(`answer to ${question}`);
    }
  });

  it('cannot be called if there is no application', async () => {
    await expect(IpcHost.callIpcChannel(pageChannel, 'ask', 'x')).rejects.toThrow('There is no IpcHost');
  });
});
