import { expect, it } from '@jest/globals';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { createRpcClient } from '@linnet/common';
import { ConformanceModule } from '../conformance/fixture.js';
import { ConfEcho, ConfBinary, ConfErrors, ConfFlow } from '../conformance/fixture.definitions.js';
it('works', async () => {
  const app = await NestFactory.create(ConformanceModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const port = (app.getHttpServer().address() as AddressInfo).port;
  const server = createRpcClient({
    uriPrefix: `http://127.0.0.1:${port}`,
    interfaces: [ConfEcho as any],
    pendingIntervalMs: 10,
  });
  await server.ready();
  const echo = server.client(ConfEcho as any) as any;
  expect(await echo.add(1, 2)).toBe(3);
  const bin = server.client(ConfBinary as any) as any;
  expect(await bin.invert(new Uint8Array([1]))).toEqual(new Uint8Array([254]));
  expect(await echo.argCount(new Uint8Array([1]), 2)).toBe(2);
  const flow = server.client(ConfFlow as any) as any;
  expect(await flow.pending('k', 2, 'm')).toEqual({ key: 'k', attempts: 3 });
  expect(await flow.transient(503, 'k2', 1, '0.01')).toEqual({ key: 'k2', attempts: 2 });
  const err = server.client(ConfErrors as any) as any;
  await expect(err.bentley(65537, 'm')).rejects.toMatchObject({
    errorNumber: 65537,
    name: 'Already Loaded',
    message: 'm',
  });
  await expect(flow.with({ timeoutMs: 50 }).delay(1000, 1)).rejects.toThrow('50 ms');
  await app.close();
});
