import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { IpcChannel, IpcSession } from '@linnet/backend';
import { IpcFrontend, ipcChannel } from '@linnet/common';
import { enableTelemetry } from '@linnet/common/telemetry';
import { webSocketIpc } from '@linnet/frontend';
import { Gate } from '../browser/gate.js';
import { closeIpcApps, startIpcApp } from '../harness/ipc.harness.js';
import type { IpcTestApp } from '../harness/ipc.harness.js';
import { settled, until } from '../harness/waiting.js';
import { deferred } from '../../libs/common/src/base/deferred.js';
import { Collected, isParent } from './collected.js';

interface Drive {
  drive(): Promise<string>;
  ask(): Promise<string>;
  hold(): Promise<void>;
}
const driveChannel = ipcChannel<Drive>('drive-v1');
let held = deferred();

@IpcChannel(driveChannel)
class DriveHandler {
  constructor(private readonly session: IpcSession) {}

  async drive() {
    return 'driven';
  }

  async ask() {
    return (await this.session.callIpcChannel('dialog', 'confirm')) as string;
  }

  async hold() {
    await held.promise;
  }
}

const collected = new Collected();
const gate = new Gate();
let disable: () => void;
let app: IpcTestApp;
let url: string;

beforeAll(async () => {
  disable = enableTelemetry();
  app = await startIpcApp({
    ipc: { limits: { pendingCalls: 1 }, resumeGraceMs: 60_000 },
    providers: [DriveHandler],
  });
  url = `${(await gate.listen()).replace('http', 'ws')}/ipc`;
  gate.target = app.port;
});
afterEach(async () => {
  held.resolve();
  held = deferred();
  await until(() => app.host.sessions.length === 0);
  collected.reset();
});
afterAll(async () => {
  await closeIpcApps();
  gate.close();
  disable();
  collected.end();
});

async function connect(): Promise<IpcFrontend> {
  const frontend = new IpcFrontend(webSocketIpc(url), { reconnectMs: [1, 10] });
  await frontend.ready;
  return frontend;
}

/** The span of a kind at one of the ends. */
const ofSide = (name: string, side: string) =>
  until(() =>
    collected.spans.find((span) => span.name === name && span.attributes['linnet.session.side'] === side),
  );

describe('a session has spans', () => {
  it('from its begin over an interruption to its end, at both ends', async () => {
    const frontend = await connect();
    const [session] = app.host.sessions;
    const restored = new Promise<void>((resolve) => {
      let isAway = false;
      frontend.onStateChange((state) => {
        if (state === 'interrupted') isAway = true;
        else if (state === 'open' && isAway) resolve();
      });
    });
    gate.cut();
    await restored;
    frontend.close();
    for (const side of ['server', 'client']) {
      const whole = await ofSide('session', side);
      const away = await ofSide('session interrupted', side);
      expect(whole.events.map(({ name }) => name)).toEqual(['interrupted', 'resumed']);
      expect(whole.attributes['linnet.session.close_code']).toBe(1000);
      expect(whole.kind).toBe(SpanKind.INTERNAL);
      expect(away.attributes['linnet.session.outcome']).toBe('resumed');
      expect(isParent(whole, away)).toBe(true);
    }
    expect((await ofSide('session', 'server')).attributes['session.id']).toBe(session!.id);
  });

  it('of an interruption that lasts to its end', async () => {
    const frontend = await connect();
    const [session] = app.host.sessions;
    gate.shut();
    await until(() => app.host.server.recordOf(session!.id)?.state.kind === 'away');
    session!.close(4002, 'enough');
    const away = await ofSide('session interrupted', 'server');
    expect(away.attributes['linnet.session.outcome']).toBe('ended');
    expect((await ofSide('session', 'server')).attributes['linnet.session.close_code']).toBe(4002);
    frontend.close();
    gate.open();
  });
});

it('a call that waits for others of its session reports how long', async () => {
  const frontend = await connect();
  const drive = frontend.makeIpcProxy<Drive>(driveChannel);
  const first = drive.hold();
  const second = drive.drive();
  await settled();
  held.resolve();
  await Promise.all([first, second]);
  const server = await collected.one('drive-v1/drive', SpanKind.SERVER);
  const [begun] = server.events;
  expect(begun).toMatchObject({ name: 'begun' });
  expect(begun!.attributes!['linnet.queue.wait_ms']).toBeGreaterThan(0);
  const held1 = await collected.one('drive-v1/hold', SpanKind.SERVER);
  expect(held1.events).toEqual([]);
  frontend.close();
});

it('messages without an answer carry the trace, and make no spans unless they are asked for', async () => {
  const frontend = await connect();
  const heard = new Promise<string | undefined>((resolve) => {
    frontend.addListener('news', () => resolve(trace.getActiveSpan()?.spanContext().spanId));
  });
  const sent = trace.getTracer('test').startActiveSpan('sender', (span) => {
    void app.host.send('news', 1);
    span.end();
    return span.spanContext().spanId;
  });
  const active = await heard;
  frontend.close();
  expect(active).toBe(sent);
  await ofSide('session', 'client');
  expect(collected.spans.filter(({ name }) => name.includes('news'))).toEqual([]);
});

describe('a call of the backend to a frontend', () => {
  it('has failed at the backend if the handler of the frontend throws', async () => {
    const frontend = await connect();
    frontend.handle('dialog', () => ({ error: { name: 'Refused', message: 'no', errorNumber: 65605 } }));
    await expect(frontend.makeIpcProxy<Drive>(driveChannel).ask()).rejects.toThrow('no');
    const call = await collected.one('dialog/confirm', SpanKind.CLIENT);
    expect(call.status.code).toBe(SpanStatusCode.ERROR);
    expect(call.attributes['error.type']).toEqual(expect.any(String));
    frontend.close();
  });

  it('has succeeded if it answers', async () => {
    const frontend = await connect();
    frontend.handle('dialog', () => ({ result: 'yes' }));
    await expect(frontend.makeIpcProxy<Drive>(driveChannel).ask()).resolves.toBe('yes');
    const call = await collected.one('dialog/confirm', SpanKind.CLIENT);
    expect(call.status.code).toBe(SpanStatusCode.UNSET);
    expect(call.attributes['error.type']).toBeUndefined();
    frontend.close();
  });
});
