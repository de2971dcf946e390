import { IpcHost, RpcInterface } from '@linnet/backend';
import type { IpcLimits } from '@linnet/backend';
import { BareFrontend, Opcode } from '../../../ipc/wire/raw.frontend.socket.js';
import { closeIpcApps, makeIpcApp, startIpcApp } from '../../../harness/ipc.harness.js';
import { closeApps, definitionOf, makeApp, startApp } from '../../../harness/nest.harness.js';

const MiB = 1024 * 1024;

@RpcInterface(definitionOf('Robots', 'count'))
class RobotsImpl {
  async count() {
    return 3;
  }
}

afterEach(async () => {
  await closeApps();
  await closeIpcApps();
});

describe('a limit that is undefined', () => {
  it('is the default for messages over IPC', async () => {
    const { port } = await startIpcApp({ ipc: { limits: { messageBytes: undefined } } });
    const bare = await BareFrontend.open(port);
    // A message that is refused by itself is read as well: a frame may be twice as long, and have a list around it.
    bare.frame({ opcode: Opcode.Binary, declared: 2 * 64 * MiB + 1024 + 1 });
    expect(await bare.closed).toMatchObject({ code: 1009 });
  });

  it('is the default for sessions', async () => {
    const { connect } = await startIpcApp({ ipc: { limits: { sessions: undefined, upgradeMs: undefined } } });
    expect((await connect()).raw.received).toEqual([]);
  });

  it('is the default for bodies over HTTP', async () => {
    const { send } = await startApp({
      options: { limits: { bodyBytes: undefined } },
      providers: [RobotsImpl],
    });
    const { status } = await send({ target: '/Robots-1.0.0-count', body: `["${'x'.repeat(6 * MiB)}"]` });
    expect(status).toBe(413);
  });
});

describe('a limit that is not valid', () => {
  const wrong: [string, unknown, string][] = [
    ['is a text', '1000', '1000'],
    ['is NaN', NaN, 'NaN'],
    ['is negative', -1, '-1'],
    ['is null', null, 'null'],
  ];

  it.each(wrong)('is refused at the start of IpcModule if it %s', async (_what, value, told) => {
    const limits = { messageBytes: value } as Partial<IpcLimits>;
    await expect(makeIpcApp({ ipc: { limits } })).rejects.toThrow(`limits: messageBytes cannot be ${told}.`);
    expect(IpcHost.isValid).toBe(false);
  });

  it.each(wrong)('is refused at the start of RpcModule if it %s', async (_what, value, told) => {
    const limits = { bodyBytes: value } as object;
    await expect(makeApp({ options: { limits } })).rejects.toThrow(`limits: bodyBytes cannot be ${told}.`);
  });

  it('is refused at the start if its name is not known', async () => {
    for (const name of ['messageByte', 'toString', '__proto__']) {
      const limits = JSON.parse(`{"${name}":1}`) as object;
      const message = `limits: ${name} cannot be 1.`;
      await expect(makeIpcApp({ ipc: { limits } })).rejects.toThrow(message);
      await expect(makeApp({ options: { limits } })).rejects.toThrow(message);
    }
  });

  it('is refused if an application has RPC and IPC', async () => {
    const rpc = { limits: { bodyBytes: 'x' } as object };
    await expect(makeIpcApp({ rpc })).rejects.toThrow('limits: bodyBytes cannot be x.');
  });
});

describe('a limit of Infinity', () => {
  it('is accepted', async () => {
    const { connect } = await startIpcApp({
      ipc: { limits: { sessions: Infinity, pendingCalls: Infinity } },
    });
    expect((await connect()).raw.received).toEqual([]);
  });
});
