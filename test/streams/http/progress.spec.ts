import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RpcProxy } from '@linnet/common';
import type { Flow } from './flow.js';
import { servers } from './servers.js';
import type { FlowServer } from './servers.js';
import { all } from '../flow.js';

describe.each(Object.entries(servers))('the progress of a call over %s', (_name, start) => {
  let server: FlowServer;
  let flow: RpcProxy<Flow>;
  const reports: unknown[] = [];
  const followed = () => flow.with({ onProgress: (value) => reports.push(value) });
  beforeAll(async () => {
    server = await start();
    flow = server.client();
  });
  afterAll(() => server.stop());

  it('reaches a caller that asks for it, before the result', async () => {
    reports.length = 0;
    expect(await followed().report(5)).toBe('done');
    expect(reports).toEqual([0, 1, 2, 3, 4]);
  });

  it('reaches it before an error', async () => {
    reports.length = 0;
    await expect(followed().report(2, true)).rejects.toMatchObject({
      errorNumber: 81,
      message: 'failed behind reports',
    });
    expect(reports).toEqual([0, 1]);
  });

  it('is not sent to a caller that does not ask for it', async () => {
    expect(await flow.report(5)).toBe('done');
  });

  it('changes nothing where the method reports nothing', async () => {
    reports.length = 0;
    expect(await followed().report(0)).toBe('done');
    await expect(followed().report(0, true)).rejects.toMatchObject({ errorNumber: 81 });
    expect(reports).toEqual([]);
  });

  it('comes beside the items of a stream', async () => {
    reports.length = 0;
    expect(await all(followed().reported(3))).toEqual([0, 1, 2]);
    expect(reports).toEqual(['before 0', 'before 1', 'before 2']);
  });
});
