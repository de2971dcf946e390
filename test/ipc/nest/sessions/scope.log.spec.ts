import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConsoleLogger, Logger } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { ClientRequestContext, IpcChannel, IpcSession } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { LineKeeper } from '../../../harness/line.keeper.js';
import { until } from '../../../harness/waiting.js';

@IpcChannel('logging')
class LoggingHandler implements OnModuleDestroy {
  readonly #logger = new Logger('Logging');
  constructor(private readonly session: IpcSession) {
    this.#note('made');
  }
  async say() {
    this.#note('said');
    return ClientRequestContext.current.activityId;
  }
  async onModuleDestroy() {
    this.#note('ending');
    await nextTurn();
    this.#note('ended');
  }
  #note(what: string) {
    const { sessionId, user, accessToken } = ClientRequestContext.current;
    const isOwn = sessionId === this.session.id && user === 'ann' && accessToken === 'Bearer t';
    this.#logger.log(`${what} ${isOwn}`);
  }
}

let logger: LineKeeper;
beforeEach(() => (logger = new LineKeeper()));
afterEach(async () => {
  await closeIpcApps();
  Logger.overrideLogger(new ConsoleLogger());
});

describe('the log lines of a session-scoped handler', () => {
  const start = () =>
    startIpcApp({
      ipc: { authorize: () => ({ user: 'ann', accessToken: 'Bearer t' }) },
      providers: [LoggingHandler],
      configure: (app) => app.useLogger(logger),
    });
  const lines = (id: string) =>
    logger.lines.filter(({ SessionId }) => SessionId === id).map(({ message }) => message);
  const all = ['made true', 'said true', 'ending true', 'ended true'];

  it('have the session id from the constructor to onModuleDestroy', async () => {
    const { connect, host } = await start();
    const ids: string[] = [];
    for (let n = 0; n < 2; n++) {
      const { ask, raw } = await connect();
      const { id } = await until(() => host.sessions[0]);
      ids.push(id);
      await ask('logging.say');
      raw.terminate();
      await until(() => lines(id).length === all.length);
    }
    for (const id of ids) expect(lines(id)).toEqual(all);
    expect(logger.lines.filter(({ message, SessionId }) => all.includes(message) && !SessionId)).toEqual([]);
  });

  it('have the session id if the application ends the session', async () => {
    const { connect, session, close } = await start();
    const { ask } = await connect();
    const { id } = await session();
    await ask('logging.say');
    await close();
    expect(lines(id)).toEqual(all);
    // One activity for what it begins with, another for its call, and each is named.
    const activities = logger.lines.filter(({ SessionId }) => SessionId).map(({ ActivityId }) => ActivityId);
    for (const activity of activities) expect(activity).toMatch(/^[-0-9a-f]{36}$/);
    expect(activities[1]).not.toBe(activities[0]);
  });
});
