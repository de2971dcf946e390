import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ITwinClient, toITwin } from '../conformance/http/itwin.client.js';
import { ITwinIpcFrontend } from '../conformance/ipc/itwin.ipc.js';
import { closeIpcApps, startIpcApp } from '../harness/ipc.harness.js';
import { FlowHandler, FlowImpl, FlowRpc, forget, seen } from './flow.js';

const refusal = (name: string) =>
  `${name} answers with a stream, which this client cannot receive: call it with a client of Linnet, over HTTP or ` +
  'over the durable wire.';

describe('a client of iTwin.js that calls an operation with streams', () => {
  const http = new ITwinClient([toITwin(FlowRpc)]);
  const ipc = new ITwinIpcFrontend();

  beforeAll(async () => {
    const { port } = await startIpcApp({ rpc: {}, providers: [FlowHandler, FlowImpl] });
    http.connect(`http://127.0.0.1:${port}`);
    await ipc.connect(port);
  });
  afterAll(closeIpcApps);
  beforeEach(forget);

  it('gets an error for a stream as the result, over HTTP, and the method does not run', async () => {
    await expect(http.of('FlowRpc')['count']!(3)).rejects.toThrow(refusal('FlowRpc.count'));
    expect(seen.begun).toBe(0);
  });

  it('gets an error for an argument that is not a stream, over HTTP', async () => {
    await expect(http.of('FlowRpc')['sum']!([1, 2])).resolves.toBe(3);
    const failure = await http.of('FlowRpc')['sum']!(7).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
  });

  it('gets the result of a method that reports progress, over HTTP', async () => {
    await expect(http.of('FlowRpc')['report']!(3)).resolves.toBe('done');
  });

  it('gets an error for a stream as the result, over IPC, and the method does not run', async () => {
    const error = { message: refusal('flow.count') };
    await expect(ipc.invoke('itwin.flow', 'count', 3)).resolves.toMatchObject({ error });
    const request = {
      definition: { interfaceName: 'FlowRpc', interfaceVersion: '1.0.0' },
      operation: 'count',
      parameters: [3],
      context: { protocolVersion: '2' },
    };
    const viaRpc = ipc.invoke('itwin.itwinjs-core/rpc-over-ipc', 'request', request);
    await expect(viaRpc).resolves.toMatchObject({ error: { message: refusal('FlowRpc.count') } });
    expect(seen.begun).toBe(0);
  });

  it('gets the result of a method that reports progress, over IPC', async () => {
    await expect(ipc.invoke('itwin.flow', 'report', 3)).resolves.toMatchObject({ result: 'done' });
  });
});
