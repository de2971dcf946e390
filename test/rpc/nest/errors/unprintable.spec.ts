import { inspect } from 'node:util';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OnModuleDestroy } from '@nestjs/common';
import { ConsoleLogger } from '@nestjs/common';
import {
  Activity,
  ActivityLogger,
  ClientRequestContext,
  IpcChannel,
  IpcHost,
  IpcSession,
  activityFields,
  serveMessagePort,
} from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { messagePortIpc } from '@linnet/common';
import { IpcFrontend } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';

const trap = () => {
  throw new Error('a trap');
};
/** Values that nobody can print, and some that nobody can even look at. */
const thrown: Record<string, () => unknown> = {
  'an object without a prototype': () => Object.create(null),
  'an object whose toString throws': () => ({ toString: trap, toJSON: trap, [inspect.custom]: trap }),
  'an object whose members throw': () => Object.defineProperty({}, 'name', { enumerable: true, get: trap }),
  'an error whose members throw': () =>
    Object.defineProperties(new Error(), {
      message: { get: trap },
      stack: { get: trap },
      name: { get: trap },
    }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a symbol': () => Symbol('s'),
  undefined: () => undefined,
};

let what: () => unknown;
const fail = () => {
  throw what();
};

@IpcChannel('fails')
class FailsAtStart {
  constructor(_session: IpcSession) {
    fail();
  }
  async echo() {}
}

let destroyed = 0;
@IpcChannel('fails')
class FailsAtTheEnd implements OnModuleDestroy {
  constructor(session: IpcSession) {
    session.addListener('heard', fail);
    session.closed.then(() => destroyed++, fail);
  }
  async echo() {
    return 'echo';
  }
  onModuleDestroy() {
    fail();
  }
}

const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
const own = console.error;
const ports: MessagePort[] = [];
beforeEach(() => {
  process.on('unhandledRejection', note).on('uncaughtException', note);
  console.error = () => undefined;
});
afterEach(async () => {
  for (const port of ports.splice(0)) port.close();
  await closeIpcApps();
  // Rejections that nobody handles are told behind the promises of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note).off('uncaughtException', note);
  console.error = own;
  expect(unhandled.splice(0)).toHaveLength(0);
});

class Mute extends ConsoleLogger {
  override printMessages(_messages: unknown[], context?: string) {
    // Nest's own lines are not ours to guard.
    if (context === 'IpcModule') trap();
  }
}
const loggers = {
  'a logger that writes lines': () => new ActivityLogger({ json: true }),
  'a logger that fails': () => new Mute(),
};

describe.each(Object.keys(thrown))('%s that is thrown,', (name) => {
  beforeEach(() => {
    what = thrown[name]!;
  });

  describe.each(Object.entries(loggers))('with %s,', (_logger, logger) => {
    const start = (ipc: IpcModuleOptions, providers: (typeof FailsAtStart | typeof FailsAtTheEnd)[] = []) =>
      startIpcApp({ ipc, providers, rpc: {}, appOptions: { logger: logger() } });

    it.each<[string, IpcModuleOptions]>([
      ['authorize', { authorize: fail }],
      ['authorize later', { authorize: async () => fail() }],
      ['a guard', { guards: [{ canActivate: fail }] }],
      ['a store of tickets', { ticketStore: { put: fail, take: fail } }],
      ['the origins function', { origins: fail }],
    ])('by %s refuses the upgrade, and does not crash the process', async (_where, ipc) => {
      const { refused } = await start(ipc);
      const options = { path: '/ipc?ticket=x', headers: { Origin: 'https://app.example.com' } };
      expect([401, 403, 500]).toContain(
        (await refused(ipc.origins ? options : { path: options.path })).status,
      );
    });

    it('by the constructor of a session handler closes the session', async () => {
      const { connect } = await start({}, [FailsAtStart]);
      const { raw } = await connect();
      expect((await raw.closed).code).toBe(1011);
    });

    it('by listeners and while a session closes does not crash the process', async () => {
      const { connect, session } = await start({}, [FailsAtTheEnd]);
      const { raw, ask } = await connect();
      expect(await ask('fails.echo')).toEqual({ result: 'echo' });
      const before = destroyed;
      (await session()).close(3000, 'enough');
      await raw.closed;
      await until(() => destroyed > before);
    });

    it('by onFrontendGone of a dedicated backend does not crash the process', async () => {
      let gone = 0;
      const onFrontendGone = () => {
        gone++;
        fail();
      };
      const { connect } = await start({ dedicated: true, frontendGraceMs: 1, onFrontendGone });
      (await connect()).raw.terminate();
      await until(() => gone);
    });

    it('by the function that opens a port closes the frontend', async () => {
      const frontend = new IpcFrontend(
        messagePortIpc(async () => fail()),
        { reconnect: false },
      );
      await expect(frontend.ready).rejects.toMatchObject({ name: 'IpcClosedError' });
    });
  });
});

it('the reason with which a peer closes a session is not logged', async () => {
  const { app, log } = await startIpcApp({ ipc: {} });
  for (const code of [1002, 1008, 1011, 3000]) {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    serveMessagePort(app, port1);
    const ended = new Promise((resolve) => port1.once('close', resolve));
    port2.postMessage([9]);
    await new Promise((resolve) => port2.once('message', resolve));
    const reason = `bye\n[Nest] 1 - LOG admin logged in \u001b[2K\u001b[31m\u202e\u2028${'x'.repeat(5000)}`;
    port2.postMessage(['close', code, reason]);
    await ended;
  }
  const host = app.get(IpcHost);
  await until(() => host.sessions.length === 0);
  expect(log.find('warn', 'bye')).toEqual([]);
});

it('the ids of a client are on every line of its calls, without control characters', () => {
  const said = 'a\n[Nest] forged\u001b[2K\u2028';
  const activity = new Activity({ activityId: said, sessionId: said, applicationId: said, rpcMethod: said });
  const fields = ClientRequestContext.run(activity, activityFields);
  expect(Object.values(fields).join('')).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
  expect(fields['rpcMethod']).toBe('a\\u{a}[Nest] forged\\u{1b}[2K\\u{2028}');
});
