import { expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import type { IpcServerTransport } from '../message/transport.js';
import { durableCloneWire } from '../wire/wire.js';
import { IpcServer } from './server.js';

it('IpcServer closes a local connection with 1011 if its transport throws at the server hello', async () => {
  const reported: unknown[] = [];
  const server = new IpcServer({
    limits: defaultIpcLimits,
    invokeTimeoutMs: 1000,
    report: (report) => reported.push(report.kind === 'error' && report.thrown),
  });
  const closes: number[] = [];
  const broken = new Error('the port is gone');
  const transport: IpcServerTransport = {
    bufferedBytes: 0,
    defer: queueMicrotask,
    write: () => {
      throw broken;
    },
    drained: async () => undefined,
    close: (code) => void closes.push(code),
    terminate: () => undefined,
  };
  const events = server.accept(transport, durableCloneWire, { reach: 'local', isNative: true });
  events.frame([9]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(closes).toContain(1011);
  expect([reported, server.size]).toEqual([[broken], 0]);
});
